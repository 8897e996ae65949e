// The projects: `unit` (beside the source, Node), `parity` (crosses packages, and models that others published, Node),
// `browser` (real Chromium), `package` (what is published, after a build) and `full` (slow sweeps, `npm run
// test:full`). Packages resolve to their sources, but in `package`.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { nodeWorker } from './packages/node/vitest.worker.js';
import { decodeWorker } from './packages/trainer/vitest.worker.js';
import { browserProject } from './tests/browser/project.js';

const src = (path: string): string => fileURLToPath(new URL(`./packages/${path}`, import.meta.url));

const alias = [
  { find: /^@forja\/core$/, replacement: src('core/src/index.ts') },
  { find: /^@forja\/core\/page$/, replacement: src('core/src/page.ts') },
  { find: /^@forja\/core\/onnx$/, replacement: src('core/src/onnx.ts') },
  { find: /^@forja\/core\/conformance$/, replacement: src('core/src/conformance.ts') },
  { find: /^@forja\/node$/, replacement: src('node/src/index.ts') },
  { find: /^@forja\/node\/serve$/, replacement: src('node/src/serve.ts') },
  { find: /^@forja\/node\/cli$/, replacement: src('node/src/cli.ts') },
  { find: /^@forja\/web$/, replacement: src('web/src/index.ts') },
  { find: /^@forja\/trainer$/, replacement: src('trainer/src/index.ts') },
  { find: /^@forja\/trainer\/node$/, replacement: src('trainer/src/node.ts') },
];

const setupFiles = [fileURLToPath(new URL('./tests/setup.ts', import.meta.url))];

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        plugins: [nodeWorker(), decodeWorker()],
        test: {
          name: 'unit',
          environment: 'node',
          setupFiles,
          include: ['packages/*/src/**/*.test.ts'],
          testTimeout: 300_000, // ends what hangs, and not what a busy machine takes long for
          hookTimeout: 300_000,
        },
      },
      {
        resolve: { alias },
        plugins: [nodeWorker(), decodeWorker()],
        test: {
          name: 'parity',
          environment: 'node',
          setupFiles,
          include: ['tests/parity/**/*.test.ts', 'tests/models/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxWorkers: 2, // each file is mostly one thread
          sequence: { groupOrder: 1 }, // after the unit tests: vitest wants an order where numbers of workers differ
        },
      },
      { resolve: { alias }, ...browserProject, test: { setupFiles, ...browserProject.test } },
      {
        test: {
          name: 'package',
          environment: 'node',
          globalSetup: './tests/package/support/pack.ts',
          setupFiles,
          include: ['tests/package/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        resolve: { alias },
        plugins: [nodeWorker(), decodeWorker()],
        test: {
          name: 'full',
          environment: 'node',
          setupFiles,
          include: ['tests/full/**/*.test.ts'],
          testTimeout: 3_600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
