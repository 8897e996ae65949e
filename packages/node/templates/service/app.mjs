// The service: pictures of generator.onnx over HTTP, and a page that shows some. `forja serve generator.onnx` does the
// same without a page; the routes are in Forja's docs/serve.md.
import { fileURLToPath } from 'node:url';
import { listen, serve } from '@forja/node/serve';

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{{name}}</title>
<h1>{{name}}</h1>
<img src="/v1/images?seed=7&count=16" alt="Sixteen pictures of seed 7">
</html>
`;

/** Listens on `host` and `port`; `close()` answers what was asked, then stops. */
export async function start({ host = '127.0.0.1', port = 8080 } = {}) {
  const service = serve({
    models: { pictures: fileURLToPath(new URL('generator.onnx', import.meta.url)) },
    onError: (error) => console.error(error),
  });
  const own = async (request) =>
    new URL(request.url).pathname === '/'
      ? new Response(PAGE, { headers: { 'content-type': 'text/html; charset=utf-8' } })
      : service.fetch(request);
  const listening = await listen({ ...service, fetch: own }, { host, port });
  try {
    await service.ready;
  } catch (error) {
    await listening.close();
    throw error;
  }
  return listening;
}
