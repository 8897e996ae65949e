// Downloaded models in the browser's Cache Storage: one entry an address, with its own SHA-256, so that bytes which
// changed there are not used. An entry is written whole or not at all (that is what `put` promises), so tabs that race
// leave one of the two. Nothing here makes a load fail.
import { sha256 } from './source.js';

/** A download that was kept, and what its server called that version. */
export interface Kept {
  bytes: Uint8Array<ArrayBuffer>;
  etag: string | null;
  lastModified: string | null;
}

/** The entry of one address. */
export interface Store {
  recall(): Promise<Kept | undefined>;
  keep(download: Kept): Promise<void>;
}

const DIGEST = 'x-forja-sha256';

/** The entry of `url` in the store `name`; `unusable` says why there is none. */
export async function openStore(name: string, url: string): Promise<Store | { unusable: string } | undefined> {
  if (!/^https?:/i.test(url)) return undefined; // a Blob's or data's address is here already
  if (typeof caches === 'undefined' || !globalThis.isSecureContext)
    return { unusable: 'load.cache: this page is no secure context (https or localhost), so nothing is kept' };
  let cache: Cache;
  try {
    cache = await caches.open(name);
  } catch (error) {
    return { unusable: `load.cache: the browser keeps nothing for this page: ${String(error)}` };
  }
  return {
    recall: async () => {
      try {
        const entry = await cache.match(url);
        if (!entry) return undefined;
        const bytes = new Uint8Array(await entry.arrayBuffer());
        if ((await sha256(bytes)) === entry.headers.get(DIGEST))
          return { bytes, etag: entry.headers.get('etag'), lastModified: entry.headers.get('last-modified') };
        await cache.delete(url);
      } catch {
        // not to be read: as if it were not there
      }
      return undefined;
    },
    keep: async ({ bytes, etag, lastModified }) => {
      try {
        const headers = {
          'content-type': 'application/octet-stream',
          'content-length': String(bytes.length),
          [DIGEST]: await sha256(bytes),
          ...(etag === null ? {} : { etag }),
          ...(lastModified === null ? {} : { 'last-modified': lastModified }),
        };
        await cache.put(url, new Response(bytes, { headers }));
      } catch {
        // no room: the next load downloads again
      }
    },
  };
}
