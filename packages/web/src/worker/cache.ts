// Caches downloaded models in the browser's Cache Storage: one entry per address, with its SHA-256, so that corrupted
// bytes are not used. `put` is atomic, so concurrent tabs leave one complete entry. Errors here never make a load fail.
import type { Store } from './contract.js';
import { sha256 } from './source.js';

const DIGEST = 'x-forja-sha256';

/** The entry of `url` in the store `name`; `unusable` says why caching is impossible. */
export async function openStore(name: string, url: string): Promise<Store | { unusable: string } | undefined> {
  if (!/^https?:/i.test(url)) return undefined; // blob: and data: URLs need no cache
  if (typeof caches === 'undefined' || !globalThis.isSecureContext)
    return { unusable: 'load.cache: this page is not a secure context (https or localhost), so nothing is cached' };
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
        // unreadable: treat as missing
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
        // no space: the next load downloads again
      }
    },
  };
}
