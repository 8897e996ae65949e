// `npm run demo`: makes the checkout ready, builds what changed and runs examples/mnist/demo.mjs, which trains on
// MNIST, exports and samples. Arguments are passed through (`npm run demo -- --steps 200`).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build } from './build.mjs';
import { root } from './lib/stage.mjs';
import { setup } from './setup.mjs';

if (!(await setup())) process.exit(1);
if (!(await build({ dts: false, ifNeeded: true }))) process.exit(1);

const demo = spawn(process.execPath, [join(root, 'examples', 'mnist', 'demo.mjs'), ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
// Ctrl-C also reaches the demo's process, which finishes its step and saves; this process waits for that.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => demo.kill('SIGTERM'));
demo.on('close', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
