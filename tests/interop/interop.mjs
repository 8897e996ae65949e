// npm run interop: our files and services with software of others. Needs Python 3 with venv, and installs into folders
// of its own. Not part of npm test.
// --part <name>: models (runtimes that load our files; writes docs/interop.md), servers (Ray Serve, MLServer), stores
// (S3-compatible ones, for forja jobs) or balancers (before forja serve); all by default.
// For models: --python <path>: a Python that has the packages. --only <text>: networks whose name contains it. --torch:
// also torch-fidelity (large). --keep <folder>: for the files.
import { parseArgs } from 'node:util';
import { balancers } from './balancers.mjs';
import { models } from './models.mjs';
import { servers } from './servers.mjs';
import { stores } from './stores.mjs';

const PARTS = { models, servers, stores, balancers };
const { values: o } = parseArgs({
  options: {
    part: { type: 'string' },
    python: { type: 'string' },
    only: { type: 'string' },
    torch: { type: 'boolean', default: false },
    keep: { type: 'string' },
  },
});
if (o.part !== undefined && !Object.hasOwn(PARTS, o.part))
  throw new Error(`--part: expected ${Object.keys(PARTS).join(', ')}, got '${o.part}'`);
for (const [name, run] of Object.entries(PARTS)) if (o.part === undefined || o.part === name) await run(o);
