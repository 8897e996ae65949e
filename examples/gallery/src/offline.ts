// Keeps the page for visits without a network: a service worker (public/sw.js) stores what is fetched. Where there is
// none, as in private windows, the page works as before.

/** Lists the files of the build; see `fileList` in vite.config.ts. */
const LIST = './files.json';

/**
 * Resolves when the service worker sees what the page and its workers fetch, or when it will not: whether it does. On
 * a first visit this takes a moment.
 */
export async function watched(): Promise<boolean> {
  if (!('serviceWorker' in navigator)) return false;
  const { serviceWorker } = navigator;
  if (serviceWorker.controller) return true;
  try {
    if ((await serviceWorker.getRegistration())?.active) return false; // a forced reload goes past it
    const claimed = new Promise<boolean>((resolve) =>
      serviceWorker.addEventListener('controllerchange', () => resolve(true), { once: true }),
    );
    const { installing } = await serviceWorker.register('./sw.js');
    const failed = new Promise<boolean>((resolve) =>
      installing?.addEventListener('statechange', () => installing.state === 'redundant' && resolve(false)),
    );
    return await Promise.race([claimed, failed]);
  } catch {
    return false;
  }
}

/**
 * Fetches what the page had before the service worker, and its parts that are loaded on first use; removes files of
 * earlier builds. Whether the page now opens without a network.
 */
export async function keepRest(): Promise<boolean> {
  try {
    const { scripts, all } = (await (await fetch(LIST)).json()) as { scripts: string[]; all: string[] };
    const loaded = performance.getEntriesByType('resource').map(({ name }) => name);
    const own = [location.href.replace(/#.*/, ''), ...loaded].filter((url) => url.startsWith(location.origin));
    const wanted = new Set([...own, ...scripts.map((name) => new URL(name, document.baseURI).href)]);
    await Promise.all([...wanted].map((url) => fetch(url)));
    const now = new Set(all.map((name) => new URL(name, document.baseURI).href));
    const assets = new URL('assets/', document.baseURI).href; // other pages of this origin may store theirs
    for (const name of await caches.keys()) {
      const store = await caches.open(name);
      for (const { url } of await store.keys()) if (url.startsWith(assets) && !now.has(url)) await store.delete(url);
    }
    return true;
  } catch {
    return false;
  }
}
