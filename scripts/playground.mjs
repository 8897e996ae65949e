// `npm run playground [-- model.onnx] [--port n]`: builds the playground, serves it with the model, prints the address.
// Ctrl-C ends it.
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fail as failOf, openSite, portOf } from './lib/site.mjs';
import { root } from './lib/stage.mjs';

const fail = (message, code) => failOf('playground', message, code);

function options() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { port: { type: 'string', default: '4173' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      console.log(
        'npm run playground [-- <generator.onnx>] [--port <n>]\n\nOpens a page that samples the model in ' +
          'the browser. Default model: runs/demo/generator.onnx (made by `npm run demo`), else ' +
          'generators/clothes.onnx.',
      );
      process.exit(0);
    }
    const port = portOf('playground', values.port);
    if (positionals.length > 1) fail(`expected one model, got ${positionals.length}`, 2);
    return { port, given: positionals[0] };
  } catch (error) {
    return fail(error.message, 2);
  }
}

const { port, given } = options();
const ready = [join(root, 'runs', 'demo', 'generator.onnx'), join(root, 'generators', 'clothes.onnx')];
const model =
  given === undefined ? ready.find((path) => existsSync(path)) : resolve(process.env.INIT_CWD ?? process.cwd(), given);
const stat = statSync(model, { throwIfNoEntry: false });
if (!stat?.isFile()) fail(`expected a model file, got ${stat ? 'a folder' : 'nothing'} at ${model}`, 2);

process.env.FORJA_MODEL = model;
const address = await openSite('playground', { port, packages: ['core', 'web'] });
console.log(
  `Playground: ${address}\n  model       ${model}\n  one thread  ${address}?noisolation (no ` +
    `cross-origin isolation)\nCtrl-C ends it.`,
);
