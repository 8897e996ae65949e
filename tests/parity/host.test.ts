// Exporting, verifying and training leave the host alone: no files under the user's folders, no connections, no names
// looked up. The same of running models: packages/node/src/host.test.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { inHome, quiet, unwatched } from '../../packages/node/vitest.home.js';
import { bundleTrainChild } from './support/train-bundle.js';

const folder = mkdtempSync(join(tmpdir(), 'forja-trainer-host-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('nothing is written or sent', () => {
  test('by an export and its verification', async () => {
    const seen = inHome(folder, [await bundleTrainChild('host-child')]);
    expect(seen).toMatchObject(quiet);
    expect(JSON.parse(seen.stdout)).toEqual({ verified: 'passed', changed: ['ORT_DISABLE_TELEMETRY'] });
  });

  test('by a training run', async () => {
    const config = {
      ...{ system: 'mlp', data: { kind: 'synthetic', shape: 'ring', count: 100 }, batch: 16, base: 16, threads: 1 },
      ...{ steps: 3, out: join(folder, 'run') },
    };
    const seen = inHome(folder, [await bundleTrainChild(), 'train', JSON.stringify(config)]);
    expect(seen).toMatchObject(quiet);
    expect(seen.stdout).toMatch(/"step":3/);
  });

  test('as far as connections can be watched', ({ skip }) => {
    skip(unwatched !== undefined, unwatched);
    expect(quiet.connections).toEqual([]);
  });
});
