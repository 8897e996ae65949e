// `npm run gallery [-- generator.onnx…] [--port n]`: builds a page with the generators in generators/, the demo's and
// the given ones, serves it, and prints its address. Ctrl-C ends it.
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { argsOf } from './lib/args.mjs';
import { showInGallery } from './lib/gallery.mjs';
import { fail, openSite, portOf } from './lib/site.mjs';
import { root } from './lib/stage.mjs';

const { values, positionals } = await argsOf('gallery', {
  options: { port: { type: 'string', default: '4175' } },
  allowPositionals: true,
  usage: '[<generator.onnx>…] [--port <n>]',
  about:
    'Opens a page that shows generators: those of generators/, the one of `npm run demo`, and those given. If there\n' +
    'is x.discriminator.onnx next to x.onnx, the page can let it judge the pictures. The page is built as plain\n' +
    'files in examples/gallery/dist. Port 0 is any free one; the default is 4175.',
  examples: ['', 'runs/digits/generator.onnx', '--port 0'],
});
const port = portOf('gallery', values.port);
const given = positionals.map((path) => resolve(process.env.INIT_CWD ?? process.cwd(), path));
for (const path of given) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile()) fail('gallery', `expected a model file, got ${stat ? 'a folder' : 'nothing'} at ${path}`, 2);
}

const demo = join(root, 'runs', 'demo', 'generator.onnx');
showInGallery([...(existsSync(demo) ? [demo] : []), ...given]);
const address = await openSite('gallery', { port, packages: ['core', 'web'] });
console.log(`Gallery: ${address}\n  one thread  ${address}?noisolation (no cross-origin isolation)\nCtrl-C ends it.`);
