// Starts the service, requests pictures as twenty concurrent clients, and checks that the pictures are right, that
// requests shared runs, and that the event loop is not blocked while the model runs.
// node examples/node-service/main.mjs [generator.onnx]; with --serve it keeps serving on port 8080.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { load } from '@forja/node';
import { untrained } from './model.mjs';
import { serve } from './server.mjs';

const CLIENTS = 20;
const [model = untrained()] = process.argv.slice(2).filter((word) => word !== '--serve');
// deterministic: a picture has the same bytes, regardless of the requests that share its run.
const generator = await load(model, { batch: { max: 32, queue: 256 }, warmup: true, deterministic: true });
const server = serve(generator);

if (process.argv.includes('--serve')) {
  server.listen(8080, '127.0.0.1');
  console.log('http://127.0.0.1:8080/sample.png?seed=7&count=16, on', generator.device.actual);
  // Requests in flight are answered before the process ends. Not `once`: npm passes on a Ctrl-C that is sent here too.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.close(() => generator.dispose()));
} else {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await check(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.close();
    server.closeAllConnections();
    await generator.dispose();
  }
}

async function check(address) {
  const before = generator.stats();
  const answers = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, seed) => {
      const response = await fetch(`${address}/sample.png?seed=${seed}&count=2`);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), 'image/png');
      return new Uint8Array(await response.arrayBuffer());
    }),
  );
  const after = generator.stats();
  const runs = after.runs - before.runs;

  assert.equal(after.images - before.images, 2 * CLIENTS);
  assert.ok(runs < CLIENTS, `expected requests to share runs, got ${runs} runs for ${CLIENTS} requests`);
  // A picture depends on its seed, not on the other requests that share its run.
  const [first] = answers;
  assert.deepEqual(first, await (await generator.sample({ seed: 0, count: 2 })).grid().toPNG());

  const wrong = await fetch(`${address}/sample.png?seed=-1`);
  assert.equal(wrong.status, 400);
  assert.equal((await wrong.json()).error.code, 'input.range');

  // The same run in this thread, for comparison: it blocks the event loop.
  const inline = await load(model, { executor: 'inline' });
  const [blocked, free] = [await turnsDuring(inline), await turnsDuring(generator)];
  await inline.dispose();
  assert.ok(
    free > 5 * blocked,
    `expected the event loop to keep turning during a run, got ${free} turns, and ${blocked} with the run in its ` +
      'own thread',
  );
  console.log(
    `ok: ${CLIENTS} clients, ${2 * CLIENTS} pictures in ${runs} runs on ${generator.device.actual}; the event ` +
      `loop turned ${free} times during a run (${blocked} if it runs inline)`,
  );
}

/** Number of turns of the event loop while one batch is generated. */
async function turnsDuring(generator) {
  let turns = 0;
  let running = true;
  const turn = () => {
    turns++;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  await generator.sample({ count: 32 });
  running = false;
  return turns;
}
