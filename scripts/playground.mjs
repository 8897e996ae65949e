// `npm run playground [-- model.onnx] [--port n]`: builds the playground, serves it with the model, prints the address.
// Ctrl-C ends it.
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build as buildPackages } from './build.mjs';
import { root } from './lib/stage.mjs';
import { setup } from './setup.mjs';

const folder = join(root, 'examples', 'playground');

/** Prints one line and ends. Exit code 2: a call that is wrong in itself. */
function fail(message, code) {
  console.error(`playground: ${message}`);
  process.exit(code);
}

function options() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { port: { type: 'string', default: '4173' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      console.log(
        'npm run playground [-- <generator.onnx>] [--port <n>]\n\nOpens a page that samples the model in the browser. Default model: runs/demo/generator.onnx (made by `npm run demo`).',
      );
      process.exit(0);
    }
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65535)
      fail(`--port: expected an integer in 0..65535, got ${values.port}`, 2);
    if (positionals.length > 1) fail(`expected one model, got ${positionals.length}`, 2);
    return { port, given: positionals[0] };
  } catch (error) {
    return fail(error.message, 2);
  }
}

const { port, given } = options();
const model =
  given === undefined
    ? join(root, 'runs', 'demo', 'generator.onnx')
    : resolve(process.env.INIT_CWD ?? process.cwd(), given);
const stat = statSync(model, { throwIfNoEntry: false });
if (!stat?.isFile()) {
  fail(
    given === undefined
      ? 'no model yet: run `npm run demo` first (it trains one in a few minutes), or give a path: npm run playground -- path/to/generator.onnx'
      : `expected a model file, got ${stat ? 'a folder' : 'nothing'} at ${model}`,
    given === undefined ? 1 : 2,
  );
}

if (!(await setup())) process.exit(1);
if (!(await buildPackages({ names: ['core', 'web'], dts: false, ifNeeded: true }))) process.exit(1);

// Vite from the example's own dependencies.
const { build, preview } = await import(
  pathToFileURL(createRequire(join(folder, 'package.json')).resolve('vite')).href
).catch(() => fail('vite is not installed: run `npm run demo`, or pnpm install', 1));
process.env.FORJA_MODEL = model;
await build({ root: folder, logLevel: 'warn' });
const server = await preview({ root: folder, logLevel: 'warn', preview: { port, host: 'localhost' } });
const address = server.resolvedUrls?.local[0] ?? `http://localhost:${port}/`;
console.log(
  `Playground: ${address}\n  model       ${model}\n  one thread  ${address}?noisolation (no cross-origin isolation)\nCtrl-C ends it.`,
);
