// Builds and serves a page of examples/: the packages that it needs and the page, with Vite from the page's
// dependencies. Shared by `npm run playground`, `npm run live`, `npm run gallery` and `npm run docs`.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build as buildPackages } from '../build.mjs';
import { setup } from '../setup.mjs';
import { root } from './stage.mjs';

/** Prints one line and exits. Exit code 2: wrong arguments. */
export function fail(command, message, code) {
  console.error(`${command}: ${message}`);
  process.exit(code);
}

/** A port from the command line. */
export function portOf(command, text) {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    fail(command, `--port: expected an integer in 0..65535, got ${text}`, 2);
  return port;
}

/** Builds examples/<name>; returns Vite and the page's folder. */
export async function buildSite(name, { packages }) {
  if (!(await setup())) process.exit(1);
  if (!(await buildPackages({ names: packages, dts: false, ifNeeded: true }))) process.exit(1);
  const folder = join(root, 'examples', name);
  const vite = await import(pathToFileURL(createRequire(join(folder, 'package.json')).resolve('vite')).href).catch(() =>
    fail(name, 'vite is not installed: run `npm run demo`, or pnpm install', 1),
  );
  await vite.build({ root: folder, logLevel: 'warn' });
  return { vite, folder };
}

/** Builds and serves examples/<name>; returns its address. */
export async function openSite(name, { port, packages }) {
  const { vite, folder } = await buildSite(name, { packages });
  const server = await vite.preview({ root: folder, logLevel: 'warn', preview: { port, host: 'localhost' } });
  return server.resolvedUrls?.local[0] ?? `http://localhost:${port}/`;
}
