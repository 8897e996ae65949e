// `npm run live [-- --port n]`: builds the page that trains a GAN in a tab, serves it, prints the address. Ctrl-C ends
// it.
import { argsOf } from './lib/args.mjs';
import { openSite, portOf } from './lib/site.mjs';

const { values } = await argsOf('live', {
  options: { port: { type: 'string', default: '4174' } },
  usage: '[--port <n>]',
  about:
    'Opens a page that trains a GAN in the browser: on points that you draw, on MNIST, or on pictures of yours.\n' +
    'Port 0 is any free one; the default is 4174.',
  examples: ['', '--port 0'],
});
const address = await openSite('live', {
  port: portOf('live', values.port),
  packages: ['core', 'node', 'web', 'trainer'],
});
console.log(`Live: ${address}\nCtrl-C ends it.`);
