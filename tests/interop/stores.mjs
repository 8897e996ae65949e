// Runs the tests of sinks (packages/node/src/jobs/sinks.test.ts) on stores that we did not write: SeaweedFS where
// `weed` is on the PATH or WEED names it, and moto, a mock, from PyPI. Part of npm run interop.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { venv } from './python.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const KEYS = { AWS_ACCESS_KEY_ID: 'interop', AWS_SECRET_ACCESS_KEY: 'interop-secret' };

/** Each store: how it is started, or why it is not. */
const STORES = {
  SeaweedFS(folder, port) {
    const weed = process.env.WEED ?? 'weed';
    const version = spawnSync(weed, ['version'], { encoding: 'utf8' });
    if (version.status !== 0)
      return {
        missing: "no `weed` on the PATH, and WEED does not name it (it is built from SeaweedFS's Go module)",
      };
    const credentials = [{ accessKey: KEYS.AWS_ACCESS_KEY_ID, secretKey: KEYS.AWS_SECRET_ACCESS_KEY }];
    const identities = [{ name: 'interop', credentials, actions: ['Admin', 'Read', 'List', 'Tagging', 'Write'] }];
    writeFileSync(join(folder, 's3.json'), JSON.stringify({ identities }));
    const [master, volume, filer] = [1, 2, 3].map((i) => port + i);
    const ports = [`-master.port=${master}`, `-volume.port=${volume}`, `-filer.port=${filer}`, `-s3.port=${port}`];
    const args = ['server', '-s3', `-dir=${folder}`, '-ip=127.0.0.1', `-s3.config=${join(folder, 's3.json')}`];
    return { version: version.stdout.trim(), command: [weed, ...args, ...ports, '-volume.max=20'] };
  },
  'moto (a mock)'(folder, port) {
    const python = venv('forja-interop-stores', ['moto[server]==5.*']);
    const show = 'import importlib.metadata as m; print(m.version("moto"))';
    const version = spawnSync(python, ['-c', show], { encoding: 'utf8' }).stdout.trim();
    return { version, command: [python, '-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)] };
  },
};

/** Runs the tests on each. */
export async function stores() {
  for (const [name, start] of Object.entries(STORES)) {
    const folder = mkdtempSync(join(tmpdir(), 'forja-store-'));
    const port = await freePort();
    const { missing, version, command } = start(folder, port);
    if (missing) {
      console.log(`${name}: skipped: ${missing}`);
      continue;
    }
    const [program, ...args] = command;
    const child = spawn(program, args, { cwd: folder, stdio: 'ignore' });
    const exit = once(child, 'exit');
    try {
      await answers(`http://127.0.0.1:${port}/`, child);
      const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
      const test = ['run', '--project', 'unit', 'packages/node/src/jobs/sinks.test.ts', '-t', 'FORJA_S3'];
      const env = { ...process.env, ...KEYS, FORJA_S3: `http://127.0.0.1:${port}` };
      const { status } = spawnSync(process.execPath, [vitest, ...test], { cwd: root, env, stdio: 'inherit' });
      console.log(`${name} (${version}): ${status === 0 ? 'all tests of sinks pass' : 'FAILED'}`);
      if (status !== 0) process.exitCode = 1;
    } finally {
      child.kill('SIGKILL');
      await exit;
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** Waits until something answers at all, or the process ends. */
async function answers(url, child) {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
    if (await fetch(url).catch(() => undefined)) return;
    await wait(200);
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
