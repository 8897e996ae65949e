// The Node side of systems.test.ts: files of every system that is not a plain GAN, small and untrained, what Node makes
// of them, and a projection. Bundled by bundle.ts.
import { project, type Image, type Manifest, type NamedTensors, type Tensor } from '@forja/core';
import { load } from '@forja/node';
import { arrayDataset, exportOnnx, makeSystem, type GanSystem } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { projectorOutput } from '../../packages/trainer/src/systems/projector.js';

/** A tensor as plain values, which can be serialized. */
export interface Plain {
  dtype: 'float32' | 'int32';
  shape: number[];
  data: number[];
}

/** A file, inputs, and Node's outputs. */
export interface Made {
  file: number[];
  feeds: Record<string, Plain>;
  outputs: Record<string, Plain>;
}

/** A projector's file, a picture of the generator, and what Node found. */
export interface Projected {
  file: number[];
  target: { width: number; height: number; data: number[] };
  losses: number[];
  latent: number[];
}

const COUNT = 8;
const pictures = (channels: number) => ({
  data: Float32Array.from({ length: COUNT * 64 * channels }, (_, i) => Math.sin(i / 5)),
  shape: [8, 8, channels],
  range: [-1, 1] as const,
});
const numbers = (data: number[], shape: number[]) => ({ data: Int32Array.from(data), shape });
const labels = numbers([0, 1, 2, 0, 1, 2, 0, 1], []);
const texts = numbers([1, 2, 2, 1, 1, 0, 2, 0, 1, 2, 2, 1, 1, 0, 2, 0], [2]);
const dataOf = (fields: Parameters<typeof arrayDataset>[0]) => ({
  batch: 2,
  samples: 2,
  seed: 3,
  data: arrayDataset(fields),
});
const unpaired = { a: { ...pictures(3), part: 'a' }, b: { ...pictures(3), part: 'b' } };

const SYSTEMS: Readonly<Record<string, () => GanSystem>> = {
  stylegan: () =>
    makeSystem(
      'stylegan',
      { base: 4, widest: 8, style: 6, latent: 6, depth: 2 },
      dataOf({ fields: { image: pictures(3) } }),
    ),
  text2image: () =>
    makeSystem(
      'text2image',
      { base: 4, latent: 4, embedding: 4 },
      dataOf({ fields: { image: pictures(3), text: { ...texts, vocabulary: ['', 'red', 'hair'] } } }),
    ),
  srgan: () =>
    makeSystem(
      'srgan',
      { base: 4, blocks: 1, crop: 8, scale: 2, depthD: 1 },
      dataOf({ fields: { image: pictures(3) } }),
    ),
  pix2pix: () =>
    makeSystem('pix2pix', { base: 4, depthD: 1 }, dataOf({ fields: { input: pictures(1), target: pictures(3) } })),
  cyclegan: () => makeSystem('cyclegan', { base: 4, blocks: 1, depthD: 1 }, dataOf({ fields: unpaired })),
};

const conditional = (): GanSystem =>
  makeSystem(
    'conditional',
    { base: 8, latent: 6 },
    dataOf({ fields: { image: pictures(1), label: { ...labels, classes: ['a', 'b', 'c'] } } }),
  );

/** Enlarges kernels that are drawn small, so that pictures are not nearly grey. */
function vivid(system: GanSystem): GanSystem {
  for (const variable of system.variables)
    if (/^average.*kernel/.test(variable.name)) tf.tidy(() => variable.assign(tf.mul(variable, 6)));
  return system;
}

type Output = Pick<GanSystem['outputs'][string], 'model' | 'inputs' | 'outputs' | 'kind'>;

/** Exported as a run exports it; compared by the test, not here. */
async function fileOf({ model, inputs, outputs, kind }: Output): Promise<Uint8Array> {
  const layout = { inputs: 'nchw', outputs: 'nchw' } as const;
  const described = { inputs: [...inputs], outputs: [...outputs], layout, metadata: { kind } };
  return (await exportOnnx(model, { ...described, verify: false })).model;
}

/** Something for each input: waves, or whole numbers in its range. Two pictures; open sizes are 12 × 20. */
function feedsOf({ inputs }: Manifest): NamedTensors {
  const sizes: Readonly<Record<string, number>> = { batch: 2, height: 12, width: 20 };
  return Object.fromEntries(
    inputs.map(({ name, dtype, shape }, k): [string, Tensor] => {
      const dims = shape.map((dim) => (typeof dim === 'number' ? dim : (sizes[dim] ?? 2)));
      const length = dims.reduce((a, b) => a * b, 1);
      return [
        name,
        dtype === 'int32'
          ? { dtype, shape: dims, data: Int32Array.from({ length }, (_, i) => 1 + (i % 2)) }
          : { dtype: 'float32', shape: dims, data: Float32Array.from({ length }, (_, i) => Math.sin(12.9 * i + k)) },
      ];
    }),
  );
}

const plain = (tensors: NamedTensors): Record<string, Plain> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, data }]) => [
      name,
      { dtype: dtype as Plain['dtype'], shape: [...shape], data: Array.from(data as Float32Array) }, // or int32
    ]),
  );

/** Every file of the system. */
export async function filesInNode(name: string): Promise<Made[]> {
  const system = vivid((SYSTEMS[name] as () => GanSystem)()); // the test takes the names from here
  const made: Made[] = [];
  for (const output of Object.values(system.outputs)) {
    const file = await fileOf(output);
    const generator = await load(file, { device: 'cpu', threads: 1, executor: 'inline' });
    const feeds = feedsOf(generator.manifest);
    made.push({ file: [...file], feeds: plain(feeds), outputs: plain(await generator.run(feeds)) });
    await generator.dispose();
  }
  system.dispose();
  return made;
}

/** A picture of the conditional generator, projected in Node with these options. */
export async function projectInNode(options: { starts: number; steps: number; label: string }): Promise<Projected> {
  const system = vivid(conditional());
  const output = system.outputs['generator'] as GanSystem['outputs'][string]; // conditional has this one
  const file = await fileOf(projectorOutput(output, [8, 8, 1]));
  const host = { device: 'cpu', threads: 1, executor: 'inline' } as const;
  const [generator, projector] = [await load(await fileOf(output), host), await load(file, host)];
  const { width, height, data }: Image = (await generator.sample({ count: 1, seed: 40, label: options.label })).at(0);
  const target = { width, height, data: [...data] };
  const found = await project(projector, { ...target, data: Uint8ClampedArray.from(data) }, options);
  await Promise.all([generator.dispose(), projector.dispose()]);
  system.dispose();
  return { file: [...file], target, losses: [...found.losses], latent: [...found.latent] };
}
