// A model from where it is to checked bytes in a Blob: from the cache where that has it, kept there where it was downloaded.
import { ForjaError } from '@forja/core';
import type { FetchArguments, Fetched } from '../protocol.js';
import { openStore } from './cache.js';
import type { CallContext } from './executor.js';
import { examine } from './examine.js';
import { readBlob, download } from './source.js';

/** Fetches and checks. See `load` for the errors. */
export async function fetchModel({ source, integrity, precision, cache }: FetchArguments, { signal, progress }: CallContext): Promise<Fetched> {
  if ('blob' in source) {
    const { manifest, warnings } = await examine(await readBlob(source.blob, source.name, progress), integrity, precision);
    return { model: source.blob, manifest, warnings };
  }
  const { url } = source;
  const store = cache === undefined ? undefined : await openStore(cache, url);
  const notes = store && 'unusable' in store ? [store.unusable] : [];
  const usable = store && 'recall' in store ? store : undefined;
  const kept = await usable?.recall();
  const mode = usable ? 'no-store' : 'default'; // what we keep, the browser need not keep again
  let got = await download(url, kept, mode, signal, progress);
  let examined = await examine(got.bytes, integrity, precision).catch(async (error: unknown) => {
    // What was kept when nobody asked for its integrity may have been damaged on its way: once more, from the server.
    if (!got.kept || !(error instanceof ForjaError) || error.code !== 'model.integrity') throw error;
    got = await download(url, undefined, mode, signal, progress);
    return undefined;
  });
  examined ??= await examine(got.bytes, integrity, precision);
  const { manifest, warnings } = examined;
  if (usable && !got.kept && warnings.length === 0) await usable.keep(got);
  return { model: new Blob([got.bytes]), manifest, warnings: [...notes, ...warnings] };
}
