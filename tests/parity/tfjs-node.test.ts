// The eager engine on @tensorflow/tfjs-node equals the compiled step, and trains. In a process of its own: TensorFlow's
// library stays loaded, and its backend would serve every other test. Needs the binding (node scripts/tfjs-node.mjs
// builds it); where it does not load, these tests are skipped, with the reason, which is tested beside the source.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { load } from '@forja/node';
import { compile, phaseStep } from '@forja/trainer/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SEED, STEPS, WARM, small, steps, type Given, type Outcome } from './support/tfjs-node-scenario.js';
import { bundleTrainChild } from './support/train-bundle.js';

let child: string;
let folder: string;
let probed: { reason: string | null; backend: string };

async function inChild(...args: string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [child, ...args], { cwd: folder });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

beforeAll(async () => {
  child = await bundleTrainChild('tfjs-node-child');
  folder = await mkdtemp(join(tmpdir(), 'forja-tfjs-node-'));
  probed = (await inChild('probe')) as typeof probed; // what `probe` says
  if (probed.reason !== null) console.info(`skipped: ${probed.reason}`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Largest difference, as a fraction of the largest magnitude. */
function maxDifference(a: ArrayLike<number>, b: Float32Array): number {
  const most = b.reduce((m, x) => Math.max(m, Math.abs(x)), 1e-30);
  return b.reduce((m, x, i) => Math.max(m, Math.abs(x - (a[i] ?? NaN)) / most), 0);
}

describe('on tfjs-node', () => {
  test('steps of a DCGAN leave the losses, weights, moments, statistics and averages of the compiled step', async ({
    skip,
  }) => {
    if (probed.reason !== null) skip(probed.reason);
    const system = small();
    const step = await compile(phaseStep(system).step, {
      inputs: phaseStep(system).inputs,
      variables: system.variables,
      seed: SEED,
    });
    // Warm moments: where a gradient is about 0, the sign that Adam's first step takes is decided by rounding.
    const { state } = await steps(step, system, WARM);
    await writeFile(join(folder, 'given'), serialize({ state } satisfies Given));
    const compiled = await steps(step, system, STEPS);
    await step.dispose();
    system.dispose();

    expect(await inChild('step', join(folder, 'given'), join(folder, 'made'))).toEqual({
      backend: 'tensorflow',
      leaked: 0,
    });
    const eager = deserialize(await readFile(join(folder, 'made'))) as Outcome; // the child wrote it
    expect(eager.losses).toBeAllclose(compiled.losses, { rtol: 1e-4 });
    expect(Object.keys(eager.state)).toEqual(Object.keys(compiled.state));
    const off = Object.entries(compiled.state).map(([name, { data }]): [string, number] => [
      name,
      maxDifference((eager.state[name]?.data ?? []) as Float32Array, data as Float32Array),
    ]); // all are float32
    expect(off.filter(([, difference]) => !(difference <= 1e-4))).toEqual([]);
    // and three steps moved what is compared by far more than that
    const moved = Object.entries(compiled.state).filter(
      ([name, { data }]) => maxDifference((state[name]?.data ?? []) as Float32Array, data as Float32Array) > 1e-3,
    );
    expect(moved.length).toBeGreaterThan(off.length / 2);
  });

  test('a run trains, draws its grid, and exports a generator that loads', async ({ skip }) => {
    if (probed.reason !== null) skip(probed.reason);
    await writeFile(
      join(folder, 'pictures.idx'),
      Uint8Array.from([
        0,
        0,
        8,
        3,
        0,
        0,
        0,
        20,
        0,
        0,
        0,
        8,
        0,
        0,
        0,
        8,
        ...Array.from({ length: 20 * 64 }, (_, i) => (i * 97) % 256),
      ]),
    );
    const config = {
      system: 'dcgan',
      engine: 'tfjs',
      data: 'pictures.idx',
      batch: 4,
      base: 4,
      latent: 8,
      steps: 4,
      checkpointEvery: 2,
      sampleEvery: 2,
      sampleCount: 4,
      seed: 3,
      out: 'run',
    };
    expect(await inChild('train', JSON.stringify(config))).toEqual({
      warnings: [],
      device: 'tfjs, tensorflow',
      reason: 'finished',
      step: 4,
    });
    const files = await readdir(join(folder, 'run'), { recursive: true });
    const model = files.find((name) => name.endsWith('.onnx'));
    if (model === undefined) throw new Error(files.join(', '));
    const generator = await load(join(folder, 'run', model), { device: 'cpu' });
    expect((await generator.sample({ count: 2 })).count).toBe(2);
    await generator.dispose();
  });

  test('is the reference of an export’s verification', async ({ skip }) => {
    if (probed.reason !== null) skip(probed.reason);
    expect(await inChild('export')).toEqual({ verified: 'passed', tfjs: 'tensorflow', backend: 'tensorflow' });
  });
});
