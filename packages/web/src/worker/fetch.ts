// Fetches a model and its external data, from the cache or the network, checks them, and returns Blobs. Downloads are
// cached.
import {
  checkAlone,
  checkExternalSizes,
  checkModelBytes,
  externalAddress,
  externalFiles,
  ForjaError,
  ManyFiles,
} from '@forja/core';
import type { FetchArguments, Fetched, LoadProgress } from '../protocol.js';
import { openStore } from './cache.js';
import type { CallContext, Store } from './contract.js';
import { examine } from './examine.js';
import { readBlob, download } from './source.js';
import type { Download, Wanted } from './source.js';

/** Fetches and checks. See `load` for the errors. */
export async function fetchModel(
  { source, integrity, expect, cache }: FetchArguments,
  { signal, progress }: CallContext,
): Promise<Fetched> {
  if ('blob' in source) {
    const bytes = await readBlob(source.blob, source.name, progress);
    checkModelBytes(bytes, source.name);
    checkAlone(source.name, bytes);
    const { manifest, warnings } = await examine(bytes, new Map(), integrity, expect);
    return { model: source.blob, external: new Map(), manifest, warnings };
  }
  const { url } = source;
  const notes = new Set<string>();
  const placeOf = async (address: string): Promise<Store | undefined> => {
    const store = cache === undefined ? undefined : await openStore(cache, address);
    if (store && 'unusable' in store) notes.add(store.unusable);
    return store && 'recall' in store ? store : undefined;
  };

  /** Gathers the model's files and their cache entries; `anew` ignores cached ones. */
  const gather = async (anew: boolean) => {
    const all = new ManyFiles<LoadProgress>(progress);
    const origins = new Set<string>();
    const parts: { got: Download; store: Store | undefined }[] = [];
    const get = async (
      address: string,
      wanted: Wanted,
      onProgress: (progress: LoadProgress) => void,
    ): Promise<Download> => {
      const store = await placeOf(address);
      const mode = store ? 'no-store' : 'default'; // the browser need not cache what we cache
      const got = await download(address, wanted, anew ? undefined : await store?.recall(), mode, signal, onProgress);
      parts.push({ got, store });
      return got;
    };
    const model = await get(url, { what: 'a model', origins }, all.add());
    checkModelBytes(model.bytes, model.where);
    if (!/^https?:/i.test(url)) checkAlone('the address given', model.bytes); // blob: and data: URLs have no folder
    const files = externalFiles(model.bytes);
    const due = [...files].map(([location, least]) => ({
      location,
      address: externalAddress(url, location),
      onProgress: all.add(least),
    }));
    const external = new Map<string, Uint8Array<ArrayBuffer>>();
    for (const { location, address, onProgress } of due)
      external.set(
        location,
        (
          await get(
            address,
            { what: `the external data ${JSON.stringify(location)} of ${url}`, origins, external: true },
            onProgress,
          )
        ).bytes,
      );
    checkExternalSizes(url, files, external);
    return { bytes: model.bytes, external, parts };
  };

  let files = await gather(false);
  let examined = await examine(files.bytes, files.external, integrity, expect).catch(async (error: unknown) => {
    // A cached file, stored without an integrity check, may be damaged: download once more.
    if (!files.parts.some(({ got }) => got.kept) || !(error instanceof ForjaError) || error.code !== 'model.integrity')
      throw error;
    files = await gather(true);
    return undefined;
  });
  examined ??= await examine(files.bytes, files.external, integrity, expect);
  const { manifest, warnings } = examined;
  if (warnings.length === 0) for (const { got, store } of files.parts) if (!got.kept) await store?.keep(got);
  return {
    model: new Blob([files.bytes]),
    external: new Map([...files.external].map(([location, bytes]) => [location, new Blob([bytes])])),
    manifest,
    warnings: [...notes, ...warnings],
  };
}
