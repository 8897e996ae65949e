// The gallery's service worker: keeps what the page fetches, so that the page also opens without a network. Names below
// assets/ change with their content, so those are never asked for twice; the rest is fresh when there is a network.
const SHELL = 'gallery-1';
addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  if (method === 'GET' && url.startsWith(location.origin)) event.respondWith(answer(event));
});

async function answer(event) {
  const { request } = event;
  const store = await caches.open(SHELL);
  const kept = () => store.match(request, { ignoreVary: true });
  const fixed = new URL(request.url).pathname.includes('/assets/') && (await kept());
  if (fixed) return fixed;
  try {
    const response = await fetch(request);
    // A store that is full does not make a visit fail.
    if (response.status === 200) event.waitUntil(store.put(request, response.clone()).catch(() => undefined));
    return response;
  } catch (error) {
    const old = await kept();
    if (old) return old;
    throw error;
  }
}
