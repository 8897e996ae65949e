// Serves a page of examples/: builds the packages that it needs and the page, with Vite from the page's dependencies.
// Shared by `npm run playground`, `npm run live` and `npm run gallery`.
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

/** Builds and serves examples/<name>; returns its address. */
export async function openSite(name, { port, packages }) {
  if (!(await setup())) process.exit(1);
  if (!(await buildPackages({ names: packages, dts: false, ifNeeded: true }))) process.exit(1);
  const folder = join(root, 'examples', name);
  const { build, preview } = await import(
    pathToFileURL(createRequire(join(folder, 'package.json')).resolve('vite')).href
  ).catch(() => fail(name, 'vite is not installed: run `npm run demo`, or pnpm install', 1));
  await build({ root: folder, logLevel: 'warn' });
  const server = await preview({ root: folder, logLevel: 'warn', preview: { port, host: 'localhost' } });
  return server.resolvedUrls?.local[0] ?? `http://localhost:${port}/`;
}
