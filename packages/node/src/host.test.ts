// Side effects of running a model: files under the user's folders, DNS look-ups, the environment, and worker threads of
// the caller that end during a run. Each in a process with its own home folder.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { smallGenerator } from '../vitest.support.js';
import { buildForTests } from '../vitest.worker.js';

const folder = mkdtempSync(join(tmpdir(), 'forja-host-'));
const model = join(folder, 'generator.onnx');
let built: string;

beforeAll(async () => {
  built = await buildForTests();
  writeFileSync(model, smallGenerator());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** How a process ended, the files under its home, and the internet addresses that it and its children connected to. */
interface Seen {
  status: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  files: string[];
  connections: string[];
}

/** If one of these is set, onnxruntime turns its telemetry off itself, and these tests would see nothing. */
const onContinuousIntegration = [
  ...['CI', 'TF_BUILD', 'GITHUB_ACTIONS', 'GITLAB_CI', 'CIRCLECI', 'TRAVIS', 'JENKINS_URL', 'CODEBUILD_BUILD_ID'],
  ...['BUILDKITE', 'TEAMCITY_VERSION', 'APPVEYOR', 'BITBUCKET_BUILD_NUMBER'],
];

const strace = process.platform === 'linux' && spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;
let next = 0;

function inHome(args: readonly string[], variable?: string): Seen {
  const home = mkdtempSync(join(folder, 'home-'));
  const log = join(folder, `strace-${next++}`);
  const environment = { ...process.env };
  for (const name of [...onContinuousIntegration, 'ORT_DISABLE_TELEMETRY', 'XDG_CACHE_HOME']) delete environment[name];
  const watched = strace ? ['strace', '-f', '-qq', '-e', 'trace=connect,sendto,sendmmsg', '-o', log] : [];
  const [command = '', ...rest] = [...watched, process.execPath, '--no-deprecation', ...args];
  const { status, signal, stdout, stderr } = spawnSync(command, rest, {
    encoding: 'utf8',
    cwd: folder,
    env: {
      ...environment,
      HOME: home,
      TMPDIR: folder,
      ...(variable === undefined ? {} : { ORT_DISABLE_TELEMETRY: variable }),
    },
  });
  const calls = strace && existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
  return {
    status,
    signal,
    stdout,
    stderr,
    files: readdirSync(home, { recursive: true }) as string[], // texts, as no `withFileTypes` is given
    connections: calls.filter((line) => /AF_INET|AF_UNIX.*nscd|resolv/.test(line)),
  };
}

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
const quiet = { status: 0, signal: null, files: [], connections: [] };

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

  test.runIf(strace)(
    'nor later: names are looked up some seconds after the library was loaded, were it not off',
    () => {
      const later = 'await new Promise((resolve) => setTimeout(resolve, 15_000));';
      expect(inHome([script(`${sample(`{ executor: 'inline', device: 'cpu' }`)}${later}`)])).toMatchObject(quiet);
      const control = `import { lookup } from 'node:dns/promises'; await lookup('forja.invalid').catch(() => undefined);`;
      expect(inHome([script(control)]).connections).not.toEqual([]);
    },
  );

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
