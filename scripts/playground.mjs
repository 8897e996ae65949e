// `npm run playground [-- model.onnx] [--port n]`: builds the playground, serves it with the model, prints the address.
// Ctrl-C ends it.
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { argsOf } from './lib/args.mjs';
import { fail as failOf, openSite, portOf } from './lib/site.mjs';
import { root } from './lib/stage.mjs';

const fail = (message, code) => failOf('playground', message, code);

const { values, positionals } = await argsOf('playground', {
  options: { port: { type: 'string', default: '4173' } },
  allowPositionals: true,
  usage: '[<generator.onnx>] [--port <n>]',
  about:
    'Opens a page that samples the model in the browser. Default model: runs/demo/generator.onnx (made by\n' +
    '`npm run demo`), else generators/clothes.onnx. Port 0 is any free one; the default is 4173.',
  examples: ['', 'runs/digits/generator.onnx', 'generators/avatars.onnx --port 0'],
});
const port = portOf('playground', values.port);
if (positionals.length > 1) fail(`expected one model, got ${positionals.length}`, 2);
const [given] = positionals;
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
