// `npm run coverage`: checks every kernel call of TensorFlow.js's own tests through the exporter and writes
// docs/coverage.md and docs/coverage.json. Fails on regressions; `-- --accept-losses` writes the files anyway.
import { join } from 'node:path';
import { setup } from './setup.mjs';
import { root, run, tool } from './lib/stage.mjs';

if (!(await setup())) process.exit(1);
const file = join(root, 'tests', 'full', 'coverage.test.ts');
const { code } = await run(process.execPath, [tool('vitest/vitest.mjs'), 'run', '--project', 'full', file], {
  show: true,
  env: { FORJA_COVERAGE: process.argv.includes('--accept-losses') ? 'accept' : 'write' },
});
if (code === 0) console.log('wrote docs/coverage.md and docs/coverage.json');
process.exit(code);
