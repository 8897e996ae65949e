// The projects: `unit` (beside the source, Node), `parity` (crosses packages, and models that others published, Node),
// `browser` (real Chromium), `package` (what is published, after a build) and `full` (slow sweeps, `npm run
// test:full`). Packages resolve to their sources, but in `package`.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
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

/** By itself vitest leaves one core to itself, which on two cores is half of the machine. */
const maxWorkers = Math.max(2, availableParallelism() - 1);

/** Short files that take long: where vitest knows no times, it starts large files first, and these would end alone. */
const LONG = /[/](games|train-systems|gradients|formats|real-models|mutation)[.]test[.]ts$/;

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const long = sorted.filter(({ moduleId }) => LONG.test(moduleId));
    return [...long, ...sorted.filter((file) => !long.includes(file))];
  }
}

const setupFiles = [fileURLToPath(new URL('./tests/setup.ts', import.meta.url))];

/**
 * Time that `expect.poll` waits: enough for a busy machine, but less than a test's own timeout, so that a failure says
 * what was expected.
 */
const poll = { timeout: 240_000 };

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
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
          expect: { poll },
          maxWorkers,
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
          expect: { poll },
          maxWorkers,
        },
      },
      { resolve: { alias }, ...browserProject, test: { setupFiles, expect: { poll }, ...browserProject.test } },
      {
        test: {
          name: 'package',
          environment: 'node',
          globalSetup: './tests/package/support/pack.ts',
          setupFiles,
          include: ['tests/package/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          expect: { poll },
          maxWorkers,
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
          expect: { poll },
          fileParallelism: false,
        },
      },
    ],
  },
});
