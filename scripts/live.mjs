// `npm run live [-- --port n]`: builds the page that trains a GAN in a tab, serves it, prints the address. Ctrl-C ends
// it.
import { parseArgs } from 'node:util';
import { fail, openSite, portOf } from './lib/site.mjs';

function options() {
  try {
    const { values } = parseArgs({
      options: { port: { type: 'string', default: '4174' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      console.log(
        'npm run live [-- --port <n>]\n\nOpens a page that trains a GAN in the browser: on points that ' +
          'you draw, on MNIST, or on pictures of yours.',
      );
      process.exit(0);
    }
    return { port: portOf('live', values.port) };
  } catch (error) {
    return fail('live', error.message, 2);
  }
}

const address = await openSite('live', { ...options(), packages: ['core', 'node', 'web', 'trainer'] });
console.log(`Live: ${address}\nCtrl-C ends it.`);
