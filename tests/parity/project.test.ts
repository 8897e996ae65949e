// Projection: the projector's loss and gradient against float64 by hand, and pictures that were made, found again.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { project, type Generator, type Image, type NamedTensors, type Runtime } from '@forja/core';
import { load, runtime } from '@forja/node';
import { main } from '@forja/node/cli';
import { arrayDataset, exportOnnx, makeSystem, MemoryStore, train, type GanSystem } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectorOutput } from '../../packages/trainer/src/systems/projector.js';

let host: Runtime;
let folder: string;
beforeAll(async () => {
  host = runtime({ device: 'cpu', threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'forja-project-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await host.dispose();
});

type Output = GanSystem['outputs'][string];

/** An output's file, and its projector's. */
async function filesOf(output: Output, shape: number[]): Promise<Uint8Array[]> {
  const files: Uint8Array[] = [];
  for (const { model, inputs, outputs } of [output, projectorOutput(output, shape)]) {
    const layout = { inputs: 'nchw', outputs: 'nchw' } as const;
    // compared here with what is known of it, and by the run below with tfjs
    files.push((await exportOnnx(model, { inputs: [...inputs], outputs: [...outputs], layout, verify: false })).model);
  }
  return files;
}

test('loss and gradient are those of a generator by hand, in float64', async () => {
  const weights = Float32Array.from({ length: 12 }, (_, i) => Math.sin(3 * i + 1));
  const output: Output = {
    model: (z: tf.Tensor) =>
      tf.reshape(tf.tanh(tf.matMul(z as tf.Tensor2D, tf.tensor2d(weights, [3, 4]))), [-1, 2, 2, 1]),
    inputs: [{ name: 'z', role: 'latent', dtype: 'float32', shape: ['batch', 3], random: 'normal' }],
    outputs: [{ name: 'image', role: 'image', range: [-1, 1] }],
    file: 'generator.onnx',
    kind: 'latent',
  };
  const [, bytes = new Uint8Array()] = await filesOf(output, [2, 2, 1]);
  const session = await host.createSession(bytes);
  const z = Float32Array.of(0.3, -1.2, 0.7, 1.1, 0.4, -0.2);
  const target = Float32Array.of(0.5, -0.5, 0.9, -1, 0, 0.25, -0.75, 1);
  const got = await session.run({
    z: { dtype: 'float32', shape: [2, 3], data: z },
    target: { dtype: 'float32', shape: [2, 1, 2, 2], data: target },
  });
  const lossAt = (row: number, latent: readonly number[]): number => {
    let sum = 0;
    for (let k = 0; k < 4; k++) {
      const x = latent.reduce((total, value, i) => total + value * weights[4 * i + k]!, 0);
      sum += (Math.tanh(x) - target[4 * row + k]!) ** 2;
    }
    return sum / 4;
  };
  const rows = [0, 1].map((row) => [...z.subarray(3 * row, 3 * row + 3)]);
  const h = 1e-5;
  const slopes = rows.flatMap((latent, row) =>
    latent.map((_, i) => {
      const moved = (by: number): number[] => latent.map((value, k) => (k === i ? value + by : value));
      return (lossAt(row, moved(h)) - lossAt(row, moved(-h))) / (2 * h);
    }),
  );
  expect(got['loss']?.data as Float32Array).toBeAllclose(
    rows.map((latent, row) => lossAt(row, latent)),
    { rtol: 1e-5 },
  );
  expect(got['gradient']?.data as Float32Array).toBeAllclose(slopes, { rtol: 1e-4, atol: 1e-6 });
  await session.dispose();
});

const pictures = arrayDataset({
  data: Float32Array.from({ length: 8 * 64 }, (_, i) => Math.sin(i)),
  shape: [8, 8, 1],
  range: [-1, 1],
  labels: [0, 1, 2, 0, 1, 2, 0, 1],
  classes: ['a', 'b', 'c'],
});

const small = { batch: 4, samples: 4, data: pictures };
const systems: Record<string, () => GanSystem> = {
  conditional: () => makeSystem('conditional', { base: 8, latent: 6 }, small),
  stylegan: () => makeSystem('stylegan', { base: 4, widest: 8, style: 6, latent: 6, depth: 2 }, small),
};

/** Loss of single latents, and by central differences in a direction, beside the gradient's. */
async function slopes(projector: Generator, feeds: NamedTensors, direction: Float32Array): Promise<[number, number]> {
  const z = feeds['z']!;
  const at = async (by: number): Promise<NamedTensors> =>
    projector.run({
      ...feeds,
      z: { ...z, data: Float32Array.from(z.data as Float32Array, (v, i) => v + by * direction[i]!) } as typeof z,
    });
  const h = 0.01;
  const [above, below, here] = [await at(h), await at(-h), await at(0)];
  const loss = (found: NamedTensors): number => (found['loss']?.data as Float32Array)[0]!;
  const along = (here['gradient']?.data as Float32Array).reduce((sum, g, i) => sum + g * direction[i]!, 0);
  return [(loss(above) - loss(below)) / (2 * h), along];
}

test.each(Object.keys(systems))('%s: the gradient is the slope, and a made picture is found again', async (name) => {
  const system = systems[name]!();
  // averages that make pictures which differ: as drawn, those of this size are nearly grey
  if (name === 'conditional')
    for (const variable of system.variables)
      if (/^average.*kernel/.test(variable.name)) tf.tidy(() => variable.assign(tf.mul(variable, 8)));
  const [generatorFile, projectorFile] = await filesOf(Object.values(system.outputs)[0]!, [8, 8, 1]);
  const [generator, projector] = [await load(generatorFile!), await load(projectorFile!)];
  const label = name === 'conditional' ? { label: 'b' } : {};
  const target = (await generator.sample({ count: 3, seed: 40, ...label })).at(2);

  const fed: { feeds?: NamedTensors } = {};
  const spied = {
    manifest: projector.manifest,
    run: (feeds: NamedTensors) => projector.run((fed.feeds = feeds)),
  };
  const far: Image = (await generator.sample({ count: 1, seed: 9, ...label })).at(0);
  await project(spied, far, { starts: 1, steps: 1, ...label });
  const direction = Float32Array.of(0.5, -0.25, 0.75, -0.5, 0.25, 0.5);
  const [found, along] = await slopes(projector, fed.feeds!, direction);
  expect(Math.abs(along)).toBeGreaterThan(1e-4);
  expect([along]).toBeAllclose([found], { rtol: 0.03, atol: 1e-5 });

  const result = await project(projector, target, { starts: 6, steps: 120, ...label });
  expect(result.losses).toHaveLength(120);
  expect(result.losses[0]! / result.loss).toBeGreaterThan(20);
  expect(result.label).toBe(name === 'conditional' ? 1 : undefined);
  // the generator's picture of this latent has the reported loss, except for rounding to bytes
  const again = (await generator.sample({ latents: result.latent, ...label })).at(0);
  const squares = again.data.reduce((sum, byte, i) => sum + ((byte - target.data[i]!) / 127.5) ** 2, 0);
  expect([squares / 64]).toBeAllclose([result.loss], { rtol: 0.1, atol: 2e-4 });
  await Promise.all([generator.dispose(), projector.dispose()]);
  system.dispose();
});

test('a run writes projector.onnx, and forja project uses it', async () => {
  const store = new MemoryStore();
  const common = { data: 'mnist', steps: 1, batch: 4, sampleCount: 4, exportProjector: true } as const;
  const { models = {} } = await train(
    { system: 'conditional', base: 4, latent: 4, ...common },
    { runtime: host, dataset: pictures, store },
  );
  expect(Object.keys(models).sort()).toEqual(['generator.onnx', 'projector.onnx']);
  for (const [file, bytes] of Object.entries(models)) await writeFile(join(folder, file), bytes);
  const generator = await load(models['generator.onnx']!);
  const picture = (await generator.sample({ count: 1, seed: 3, label: 'c' })).at(0);
  await generator.dispose();
  await writeFile(join(folder, 'mine.png'), await picture.toPNG());
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const args = ['project', 'mine.png', '--label', 'c', '--steps', '5', '--starts', '2', '--threads', '1'];
  const code = await main(args, { cwd: folder, stdout, stderr });
  expect([code, (stderr.read() as Buffer | null)?.toString() ?? '']).toEqual([0, expect.any(String)]);
  const told = JSON.parse(await readFile(join(folder, 'projected.json'), 'utf8')) as Record<string, unknown>;
  expect(told).toMatchObject({ seed: '0', label: 2 });
  expect(told['latent']).toHaveLength(4);
  expect((await readFile(join(folder, 'projected.png'))).subarray(1, 4).toString()).toBe('PNG');

  const refused = train({ system: 'mlp', ...common, data: { kind: 'synthetic', shape: 'ring' } }, { runtime: host });
  await expect(refused).rejects.toMatchObject({ code: 'config.invalid' });
});

test('other models, sizes and options are refused', async () => {
  const generator = await load(await readFile(join(folder, 'generator.onnx')));
  const projector = await load(await readFile(join(folder, 'projector.onnx')));
  const grey = (edge: number) => ({ width: edge, height: edge, data: new Uint8Array(edge * edge) });
  await expect(project(generator, grey(8))).rejects.toMatchObject({ code: 'model.notGenerator' });
  await expect(project(projector, grey(7))).rejects.toMatchObject({ code: 'input.shape' });
  await expect(project(projector, grey(8), { label: 'd' })).rejects.toMatchObject({ code: 'input.range' });
  await expect(project(projector, grey(8), { starts: 0 })).rejects.toMatchObject({ code: 'input.range' });
  await expect(project(projector, grey(8), { rate: NaN })).rejects.toMatchObject({ code: 'input.range' });
  await expect(project(projector, grey(8), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  await Promise.all([generator.dispose(), projector.dispose()]);
});
