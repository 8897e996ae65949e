// Load, sample and dispose two hundred times in one process, with each executor: no worker, child or handle is left,
// and memory does not grow.
import { afterAll, expect, test } from 'vitest';
import { Scripts, smallGenerator } from '../../packages/node/vitest.support.js';

const scripts = new Scripts();
afterAll(() => scripts.remove());

const SOAK = (model: string, executor: string): string => `
import { subscribe } from 'node:diagnostics_channel';
const live = new Set();
process.on('worker', (worker) => { live.add(worker); worker.once('exit', () => live.delete(worker)); });
subscribe('child_process', ({ process: child }) => { live.add(child); child.once('exit', () => live.delete(child)); });
const collected = () => { for (let i = 0; i < 3; i++) gc(); return process.memoryUsage(); };
const marks = [];
for (let i = 0; i < 200; i++) {
  const generator = await load(${JSON.stringify(model)}, { device: 'cpu', threads: 1, executor: ${JSON.stringify(executor)} });
  await generator.sample({ count: 8, seed: i });
  await generator.dispose();
  if (i >= 40 && i % 8 === 7) { const { rss, heapUsed, external } = collected(); marks.push({ i, rss, heap: heapUsed + external }); }
}
await new Promise((resolve) => setTimeout(resolve, 100));
// Least squares: MiB for each cycle.
const slope = (key) => { const n = marks.length, mi = marks.reduce((s, m) => s + m.i, 0) / n, mv = marks.reduce((s, m) => s + m[key], 0) / n; return marks.reduce((s, m) => s + (m.i - mi) * (m[key] - mv), 0) / marks.reduce((s, m) => s + (m.i - mi) ** 2, 0) / 2 ** 20; };
console.log(JSON.stringify({ live: live.size, handles: process.getActiveResourcesInfo().filter((r) => /Worker|MessagePort|Process|Pipe/.test(r) && r !== 'PipeWrap').length, rssSlope: slope('rss'), heapSlope: slope('heap'), exitListeners: process.listenerCount('exit') }));`;

test.each(['worker', 'inline', 'process'])('executor %s', async (executor) => {
  const model = scripts.file('model.onnx', smallGenerator());
  const { stdout, stderr, code } = await scripts.run(
    SOAK(model, executor),
    ['--expose-gc', '--no-warnings'],
    undefined,
    600_000,
  );
  expect(code, stderr).toBe(0);
  const found = JSON.parse(stdout) as {
    live: number;
    handles: number;
    rssSlope: number;
    heapSlope: number;
    exitListeners: number;
  };
  console.log(executor, stdout.trim());
  expect(found).toMatchObject({ live: 0, handles: 0 });
  // A leaked session would take megabytes (70 kB of weights, and its arenas), a leaked handle some kilobytes of heap.
  expect(found.rssSlope).toBeLessThan(0.1);
  expect(found.heapSlope).toBeLessThan(0.01);
});
