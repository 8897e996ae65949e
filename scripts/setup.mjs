// Makes a checkout ready: checks Node's version and installs the dependencies with pnpm through npx (nothing global),
// if a lock or package file has changed since the last installation. Needs Node and npm, nothing else. Other scripts
// call `setup()` first.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { must, root, stage } from './lib/stage.mjs';

const required = [20, 19];

/** Checks Node, installs if needed. @returns {Promise<boolean>} whether the checkout is ready */
export async function setup() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < required[0] || (major === required[0] && minor < required[1])) {
    console.error(
      `setup: expected Node ${required.join('.')} or newer, got ${process.versions.node}. Install a newer Node ` +
        'and run the command again.',
    );
    return false;
  }
  const state = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return true;
  console.log('installing dependencies with pnpm (the first time takes a minute or more) …');
  const { ok } = await stage('install', async () => {
    await must(
      process.platform === 'win32' ? 'npx.cmd' : 'npx',
      ['-y', packageManager(), 'install', '--frozen-lockfile', '--config.confirmModulesPurge=false'],
      {
        // The CPU binaries are in onnxruntime-node's tarball; its install script only fetches CUDA's and fails behind a
        // firewall.
        env: { ONNXRUNTIME_NODE_INSTALL: 'skip', COREPACK_ENABLE_STRICT: '0' },
      },
    );
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, state);
  });
  return ok;
}

/** `pnpm@<version>`, as the root package.json pins it. */
export const packageManager = () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager;

const stamp = join(root, 'node_modules', '.cache', 'forja', 'install');

/** A digest of everything that determines what is installed, including Node's version. */
function fingerprint() {
  const hash = createHash('sha256').update(`${process.version} ${process.platform} ${process.arch}`);
  const members = ['packages', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(folder, name)),
  );
  for (const folder of ['.', 'tests', 'bench', ...members].sort())
    for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc']) {
      const path = join(root, folder, file);
      if (existsSync(path)) hash.update(`${folder}/${file}\0`).update(readFileSync(path));
    }
  return hash.digest('hex');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exit((await setup()) ? 0 : 1);
