// An HTTP service over a generator: GET /sample.png?seed=7&count=16, GET /health. Inference runs in the generator's
// worker; concurrent requests share runs.
import { createServer } from 'node:http';

/** A server for a loaded generator. `server.close()` stops the server; the caller disposes the generator. */
export function serve(generator) {
  return createServer((request, response) => {
    answer(generator, request, response).catch((error) => {
      // HTTP status by error code: errors of the client, errors that a retry may fix, and our own.
      const status =
        error.name === 'UsageError' ? 400 : error.code === 'overloaded' || error.code === 'disposed' ? 503 : 500;
      if (status === 500) console.error(error);
      if (response.destroyed) return;
      response.writeHead(status, {
        'content-type': 'application/json',
        ...(status === 503 ? { 'retry-after': '1' } : {}),
      });
      response.end(
        JSON.stringify({
          error: { code: error.code ?? 'internal', message: status === 500 ? 'internal error' : error.message },
        }),
      );
    });
  });
}

async function answer(generator, request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://service');
  if (pathname === '/health')
    return send(response, 'application/json', JSON.stringify({ device: generator.device, stats: generator.stats() }));
  if (pathname !== '/sample.png') {
    response.writeHead(404).end();
    return;
  }
  // A request is aborted when its client disconnects.
  const leaving = new AbortController();
  response.on('close', () => leaving.abort());
  const seed = Number(searchParams.get('seed') ?? 0);
  const count = Math.min(64, Number(searchParams.get('count') ?? 1));
  try {
    const images = await generator.sample({ seed, count, signal: leaving.signal });
    send(response, 'image/png', await images.grid().toPNG());
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
  }
}

function send(response, type, body) {
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}
