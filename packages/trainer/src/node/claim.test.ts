// One writer at a time of a run's folder: living processes are respected, dead ones and damaged claims are not.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { bundled } from '../../../node/vitest.worker.js';
import { claim } from './claim.js';

const root = mkdtempSync(join(tmpdir(), 'forja-claim-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fresh = (): string => mkdtempSync(join(root, 'run-'));
const claimed = (folder: string, by: object | string): void =>
  writeFileSync(join(folder, '.writing-1'), typeof by === 'string' ? by : JSON.stringify(by));

it('is given to one run of a process at a time, and leaves nothing', async () => {
  const folder = fresh();
  const end = await claim(folder);
  await expect(claim(folder)).rejects.toRefuse('usage', folder, String(process.pid));
  await end();
  expect(readdirSync(folder)).toEqual([]);
  const [one, two] = await Promise.allSettled([claim(folder), claim(folder)]);
  expect([one?.status, two?.status].sort()).toEqual(['fulfilled', 'rejected']);
});

it('of another process is respected while that one lives', async () => {
  const folder = fresh();
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log("up")']);
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  const stat = process.platform === 'linux' ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
  const began = stat.split(') ')[1]?.split(' ')[19] ?? ''; // `node` has no parentheses
  claimed(folder, { pid, host: hostname(), began });
  await expect(claim(folder)).rejects.toRefuse('usage', folder, String(pid));
  if (process.platform === 'linux') {
    claimed(folder, { pid, host: hostname(), began: '1' }); // the id was used again
    await (
      await claim(folder)
    )();
    claimed(folder, { pid, host: hostname(), began });
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  await (
    await claim(folder)
  )();
  expect(readdirSync(folder)).toEqual([]);
});

it.each<[string, object | string]>([
  ['cut off', '{"pid":1'],
  ['empty', ''],
  ['null', 'null'],
  ['without a process', { pid: -1, host: hostname(), began: '' }],
  ['of another machine', { pid: process.ppid, host: `not-${hostname()}`, began: '' }],
  ['of an earlier process with our id', { pid: process.pid, host: hostname(), began: '1' }],
])('that is %s is replaced', async (_, by) => {
  const folder = fresh();
  claimed(folder, by);
  const end = await claim(folder);
  expect(readdirSync(folder)).toEqual(['.writing-2']);
  expect(JSON.parse(readFileSync(join(folder, '.writing-2'), 'utf8'))).toMatchObject({ pid: process.pid });
  await end();
  expect(readdirSync(folder)).toEqual([]);
});

it('of several processes that ask at once, one gets it, also after a dead one', async () => {
  const built = await bundled({
    entryPoints: [fileURLToPath(new URL('./claim.ts', import.meta.url))],
    outdir: fileURLToPath(new URL('../../node_modules/.cache/forja', import.meta.url)),
    external: [],
  });
  const code =
    `import { claim } from ${JSON.stringify(pathToFileURL(join(built, 'claim.js')).href)};\n` +
    "const { stdin } = process; console.log('up'); await new Promise((go) => stdin.once('data', go));\n" +
    "console.log(await claim(process.argv.at(-1)).then(() => 'got', ({ code }) => code));\n" +
    "stdin.on('end', process.exit);";
  const children = Array.from({ length: 6 }, () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', code, 'x', root], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return { child, line: async () => (await lines.next()).value as unknown };
  });
  claimed(root, { pid: 1, host: `not-${hostname()}`, began: '' });
  try {
    for (const { line } of children) expect(await line()).toBe('up');
    for (const { child } of children) child.stdin.write('go\n');
    const said = await Promise.all(children.map(({ line }) => line()));
    expect(said.sort()).toEqual(['got', ...new Array<string>(5).fill('usage')]);
  } finally {
    for (const { child } of children) child.stdin.end();
  }
  expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual(['.writing-2']);
});

it('of a folder that is not there fails by its path', async () => {
  await expect(claim(join(root, 'absent'))).rejects.toRefuse('io', 'absent');
});
