// Side effects of running a model: files under the user's folders, DNS look-ups, the environment, and worker threads of
// the caller that end during a run. Each in a process with its own home folder.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inHome as inHomeOf, quiet, unwatched, type Seen } from '../vitest.home.js';
import { conditionalGenerator, smallGenerator } from '../vitest.support.js';
import { buildForTests } from '../vitest.worker.js';

const folder = mkdtempSync(join(tmpdir(), 'forja-host-'));
const model = join(folder, 'generator.onnx');
let built: string;

beforeAll(async () => {
  built = await buildForTests();
  writeFileSync(model, smallGenerator());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let next = 0;
const inHome = (args: readonly string[], variable?: string): Seen => inHomeOf(folder, args, variable);

function script(body: string): string {
  const file = join(folder, `script-${next++}.mjs`);
  writeFileSync(
    file,
    `import { load, runtime } from ${JSON.stringify(pathToFileURL(join(built, 'index.js')).href)};
const model = ${JSON.stringify(model)};
${body}`,
  );
  return file;
}

/** Runs `body` in a worker thread; the rest of the script can use `worker`. */
function inWorker(body: string, main: string, options = '{}'): string {
  const file = script(body);
  return script(
    `import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
const worker = new Worker(${JSON.stringify(file)}, ${options});
${main}`,
  );
}

const sample = (options: string): string => `{
  const generator = await load(model, ${options});
  await generator.sample({ count: 2 });
  await generator.dispose();
}
`;

describe('no telemetry is sent', () => {
  test.each(['worker', 'inline', 'process'])('by executor %s, which changes one variable at most', (executor) => {
    const seen = inHome([
      script(
        `const before = { ...process.env };
${sample(`{ executor: '${executor}', device: 'cpu' }`)}
console.log(JSON.stringify(Object.entries(process.env).filter(([name, value]) => before[name] !== value)));`,
      ),
    ]);
    expect(seen).toMatchObject({ ...quiet, stderr: '' });
    expect(JSON.parse(seen.stdout)).toEqual(executor === 'process' ? [] : [['ORT_DISABLE_TELEMETRY', '1']]);
  });

  test('by WebAssembly', () => {
    expect(inHome([script(sample(`{ device: 'wasm' }`))])).toMatchObject(quiet);
  });

  test.each([
    ['sample', [model, '-o', join(folder, 'pictures.png')]],
    ['doctor', []],
    ['inspect', [model]],
    ['bench', [model, '--batch', '1', '--seconds', '0.01']],
  ])('by the command forja %s', (name, args) => {
    expect(inHome([join(built, 'bin.js'), name, ...args])).toMatchObject(quiet);
  });

  test('by forja serve, of a conditional model without a manifest, until SIGTERM', () => {
    const file = join(folder, 'conditional.onnx');
    writeFileSync(file, conditionalGenerator());
    const args = [join(built, 'bin.js'), 'serve', file, '--port', '0'];
    const seen = inHome([
      script(`import { spawn } from 'node:child_process';
const args = ['--no-deprecation', ...${JSON.stringify(args)}];
const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
let said = '';
let asked = false; // once: a second signal ends it at once
child.stdout.on('data', (data) => {
  said += data;
  if (asked || !/Ready: conditional/.test(said)) return;
  asked = child.kill('SIGTERM');
});
child.on('close', (code, signal) => console.log(said, 'ended', code, signal));`),
    ]);
    expect(seen).toMatchObject(quiet);
    expect(seen.stdout).toMatch(/Ready: conditional\.[^]*Stopped: 0 requests[^]*ended 0 null/);
  });

  test('from a worker thread of the caller, whose environment is a copy', () => {
    expect(inHome([inWorker(sample(`{ device: 'cpu' }`), '')])).toMatchObject({ ...quiet, stderr: '' });
  });

  test('or else one warning, for executor inline in a worker thread', () => {
    const seen = inHome([inWorker(`${sample(`{ executor: 'inline' }`)}${sample(`{ executor: 'inline' }`)}`, '')]);
    expect(seen).toMatchObject({ status: 0, signal: null });
    expect(seen.stderr.match(/\[forja\.telemetry\]/g)).toHaveLength(process.platform === 'linux' ? 1 : 0);
    const told = inHome([inWorker(sample(`{ executor: 'inline' }`), '')], '1');
    expect(told).toMatchObject({ ...quiet, stderr: '' });
  });

  test('nor later: names are looked up some seconds after the library was loaded, were it not off', ({ skip }) => {
    skip(unwatched !== undefined, unwatched);
    const later = 'await new Promise((resolve) => setTimeout(resolve, 15_000));';
    expect(inHome([script(`${sample(`{ executor: 'inline', device: 'cpu' }`)}${later}`)])).toMatchObject(quiet);
    const control = `import { lookup } from 'node:dns/promises'; await lookup('forja.invalid').catch(() => undefined);`;
    expect(inHome([script(control)]).connections).not.toEqual([]);
  });

  test.runIf(process.platform === 'linux')('unless the environment enables it, which this test can see', () => {
    const require = createRequire(import.meta.url);
    const { version } = require('onnxruntime-node/package.json') as { version: string };
    const { status, files } = inHome([script(sample(`{ device: 'cpu' }`))], '0');
    expect(status).toBe(0);
    if (version === '1.30.0') expect(files.map((file) => file.split('/').at(-1))).toContain('deviceid');
  });
});

/** x · x · … of [1024, 1024]: a second or more in one thread. */
function powers(times: number): Uint8Array {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', ['n', 'n']);
  let y = x;
  for (let i = 0; i < times; i++) y = g.op('MatMul', [y, x]);
  g.output('y', y);
  return encodeModel(g.build());
}

test('a worker thread of the caller may be ended during a run: its models are in a child process, which ends with it', () => {
  const running = `import { subscribe } from 'node:diagnostics_channel';
import { parentPort } from 'node:worker_threads';
let pid;
subscribe('child_process', ({ process }) => { pid = process.pid; });
const rt = runtime({ device: 'cpu', threads: 1 });
const session = await rt.createSession(new Uint8Array(${JSON.stringify([...powers(30)])}));
const feed = (n) => ({ x: { dtype: 'float32', shape: [n, n], data: new Float32Array(n * n).fill(1 / n) } });
await session.run(feed(2));
void session.run(feed(1024));
parentPort.postMessage([session.device.executor, pid]);`;
  const main = `const [[executor, pid]] = await once(worker, 'message');
console.log(executor, await worker.terminate());
const alive = () => { try { return process.kill(pid, 0); } catch { return false; } };
while (alive()) await new Promise((resolve) => setTimeout(resolve, 10));`;
  const { status, signal, stdout } = inHome([inWorker(running, main)]);
  expect({ status, signal, stdout }).toEqual({ status: 0, signal: null, stdout: 'process 1\n' });
});
