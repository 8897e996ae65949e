// Discriminators as files: files of `train` against the network in tfjs, and `score` and `forja score` against values
// by hand.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fromImages, Image, philoxUniform, readManifest, type ManifestInput, type Runtime } from '@forja/core';
import { GraphBuilder, sealModel } from '@forja/core/onnx';
import { load, runtime } from '@forja/node';
import { main } from '@forja/node/cli';
import {
  arrayDataset,
  exportOnnx,
  makeSystem,
  MemoryStore,
  train,
  type TrainConfig,
  type TrainResult,
} from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let host: Runtime;
let folder: string;
beforeAll(async () => {
  host = runtime({ device: 'cpu', threads: 1 });
  folder = mkdtempSync(join(tmpdir(), 'forja-score-'));
  writeFileSync(join(folder, 'judge.onnx'), await judge(true));
  writeFileSync(join(folder, 'plain.onnx'), await judge(false));
  for (const [name, image] of Object.entries(drawn)) writeFileSync(join(folder, `${name}.png`), await image.toPNG());
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await host.dispose();
});

const grey = (...bytes: number[]): Image => new Image(2, 2, 1, Uint8ClampedArray.from(bytes));
const drawn = { black: grey(0, 0, 0, 0), half: grey(0, 0, 255, 255), white: grey(255, 255, 255, 255) };
/** Means of the pictures in [−1, 1]. */
const MEANS = [-1, 0, 1];
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** σ(mean of the picture + the class's number) [batch]; or the mean alone, as a critic's score. */
async function judge(conditional: boolean): Promise<Uint8Array> {
  const g = new GraphBuilder({ name: 'judge' });
  const image = g.input('image', 'float32', ['batch', 1, 2, 2]);
  const mean = g.op('ReduceMean', [image, g.constant('int64', [3], [1, 2, 3])], { keepdims: 0 });
  if (conditional) {
    const label = g.op('Cast', [g.input('label', 'int32', ['batch'])], { to: 1 });
    g.output('score', g.op('Sigmoid', [g.op('Add', [mean, label])]));
  } else g.output('score', mean);
  const inputs: ManifestInput[] = [
    { name: 'image', role: 'image', dtype: 'float32', shape: ['batch', 1, 2, 2], range: [-1, 1], layout: 'nchw' },
  ];
  if (conditional)
    inputs.push({ name: 'label', role: 'label', dtype: 'int32', shape: ['batch'], classes: ['zero', 'one'] });
  const score = { name: 'score', role: 'score', dtype: 'float32', shape: ['batch'] } as const;
  const outputs = [
    { ...score, shape: [...score.shape], ...(conditional ? { range: [0, 1] as [number, number] } : {}) },
  ];
  return sealModel(g.build(), { version: 1, kind: 'function', inputs, outputs, producer: 'test' }, (bytes) =>
    Promise.resolve(createHash('sha256').update(bytes).digest('hex')),
  );
}

async function forja(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const text = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString() ?? '';
  const code = await main(args, { cwd: folder, stdout, stderr });
  return { code, out: text(stdout), err: text(stderr) };
}

describe('score', () => {
  test('pictures of any channels, in batches, each for its class', async () => {
    const model = await load(join(folder, 'judge.onnx'), { executor: 'inline' });
    const { black, half, white } = drawn;
    expect(await model.score(half, { label: 'zero' })).toEqual([0.5]);
    const rgba = { width: 2, height: 2, data: white.toRGBA() };
    const got = await model.score([black, half, rgba], { label: ['one', 0, 1] });
    [sigmoid(0), sigmoid(0), sigmoid(2)].forEach((wanted, i) => expect(got[i]).toBeCloseTo(wanted, 6));
    const many = await model.score(
      Array.from({ length: 150 }, (_, i) => [black, half, white][i % 3]!),
      { label: 1 },
    );
    expect(many).toHaveLength(150);
    many.forEach((value, i) => expect(value).toBeCloseTo(sigmoid(MEANS[i % 3]! + 1), 6));
    await model.dispose();
  });

  test('refuses wrong sizes, classes and models', async () => {
    const model = await load(join(folder, 'judge.onnx'), { executor: 'inline' });
    const plain = await load(join(folder, 'plain.onnx'), { executor: 'inline' });
    const { black } = drawn;
    const wide = new Image(3, 2, 1, new Uint8ClampedArray(6));
    for (const [call, code, message] of [
      [() => model.score(black), 'input.range', /score\.label: expected one.*a class \(zero, one\), got none/],
      [() => model.score([black, black, black], { label: [0, 1] }), 'input.range', /score\.label: .*3 pictures/],
      [() => model.score(black, { label: 'two' }), 'input.range', /score\.label: expected one of zero, one, got 'two'/],
      [() => model.score(wide, { label: 0 }), 'input.shape', /score: expected pictures of 2 × 2, got 3 × 2/],
      [() => model.score([], { label: 0 }), 'input.shape', /got none/],
      [() => plain.score(black, { label: 0 }), 'usage', /score\.label: expected none/],
      [() => model.sample(), 'model.notGenerator', /sample/],
    ] as const)
      await expect(call()).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
    await Promise.all([model.dispose(), plain.dispose()]);
  });

  test('the command prints a line a picture, or JSON', async () => {
    const { code, out, err } = await forja('score', 'judge.onnx', 'black.png', 'white.png', '--label', 'zero');
    expect(code, err).toBe(0);
    expect(out).toBe(`${sigmoid(-1).toFixed(4)}  black.png\n${sigmoid(1).toFixed(4)}  white.png\n`);
    const json = await forja('score', 'plain.onnx', 'half.png', 'white.png', '--json');
    expect(JSON.parse(json.out)).toMatchObject({
      scores: [
        { picture: 'half.png', score: 0 },
        { picture: 'white.png', score: 1 },
      ],
      probability: false,
    });
    expect((await forja('score', 'plain.onnx', 'none.png')).err).toMatch(/cannot read .*none\.png.*\[data\.notFound\]/);
    expect((await forja('score', 'plain.onnx', 'plain.onnx')).err).toMatch(
      /expected a picture .*plain\.onnx, got another file.*\[usage\]/,
    );
  });
});

describe('train writes discriminators when asked', () => {
  const pictures = (stream: number, ...shape: number[]): { data: Float32Array; shape: number[] } => ({
    data: philoxUniform(
      { seed: 1, stream, step: 0 },
      shape.reduce((a, b) => a * b, 8),
    ).map((x) => 2 * x - 1),
    shape,
  });
  const image = arrayDataset({ name: 'noise', fields: { image: pictures(0, 8, 8, 1) } });
  const run = (
    config: object,
    dataset = image,
    networks: Record<string, tf.LayersModel> = {},
  ): Promise<TrainResult> => {
    const common = { data: 'folder', steps: 2, batch: 4, sampleEvery: 0, sampleCount: 4, seed: 3 };
    const all = { ...common, exportDiscriminator: true, ...config } as TrainConfig; // a system's name and its options
    return train(all, { dataset, store: new MemoryStore(), runtime: host, networks });
  };
  const bytes = Uint8ClampedArray.from(philoxUniform({ seed: 2, stream: 0, step: 0 }, 64), (u) => u * 256);
  const picture = new Image(8, 8, 1, bytes);

  test.each([
    ['non-saturating', [0, 1], (x: number) => sigmoid(x)],
    ['least-squares', [0, 1], (x: number) => Math.min(1, Math.max(0, x))],
    ['hinge', undefined, (x: number) => x],
  ] as const)('%s: of the network’s own logits', async (loss, range, probability) => {
    const d = tf.sequential({
      layers: [
        tf.layers.conv2d({ inputShape: [8, 8, 1], filters: 3, kernelSize: 3, activation: 'tanh' }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 1 }),
      ],
    });
    const { models = {}, exportError = NaN } = await run({ system: 'dcgan', base: 4, latent: 4, loss }, image, { d });
    expect(Object.keys(models)).toEqual(['generator.onnx', 'discriminator.onnx']);
    expect(exportError).toBeLessThan(1e-4);
    const file = models['discriminator.onnx']!;
    const manifest = readManifest(file);
    expect(manifest).toMatchObject({
      kind: 'function',
      inputs: [{ name: 'image', role: 'image', shape: ['batch', 1, 8, 8], range: [-1, 1] }],
      outputs: [{ name: 'score', role: 'score', shape: ['batch'] }],
    });
    expect(manifest?.outputs[0]?.range).toEqual(range);
    const model = await load(file, { executor: 'inline' });
    const { data } = fromImages([picture], { layout: 'nhwc', range: [-1, 1] });
    const [logit] = await (d.predict(tf.tensor4d(data as Float32Array, [1, 8, 8, 1])) as tf.Tensor).data();
    expect((await model.score(picture))[0]).toBeCloseTo(probability(logit!), 5);
    await model.dispose();
    d.dispose();
  });

  test('a conditional one takes the class by name', async () => {
    const fields = {
      image: pictures(0, 8, 8, 1),
      label: { data: Int32Array.from({ length: 8 }, (_, i) => i % 2), shape: [], classes: ['cat', 'dog'] },
    };
    const dataset = arrayDataset({ name: 'noise', fields });
    const { models = {} } = await run({ system: 'conditional', base: 4, latent: 4 }, dataset);
    const model = await load(models['discriminator.onnx']!, { executor: 'inline' });
    const [cat, dog, second] = await model.score([picture, picture, picture], { label: ['cat', 'dog', 1] });
    expect(second).toBe(dog);
    expect(cat).not.toBe(dog);
    await model.dispose();
  });

  test('cyclegan has two, whose score is the mean of their patches', async () => {
    const shape = [8, 8, 1];
    const field = (part: string) => ({ shape, dtype: 'float32', range: [-1, 1], part }) as const;
    const system = makeSystem(
      'cyclegan',
      { base: 2, blocks: 0, depthD: 1 },
      {
        batch: 1,
        seed: 2,
        data: { name: 'two sets', count: 4, parts: { a: 4, b: 4 }, fields: { a: field('a'), b: field('b') } },
      },
    );
    const outputs = Object.values(system.discriminators ?? {});
    expect(outputs.map(({ file }) => file)).toEqual(['discriminator-a.onnx', 'discriminator-b.onnx']);
    const {
      model,
      inputs,
      outputs: [score],
    } = outputs[1]!;
    const layout = { inputs: 'nchw' } as const;
    const { model: file } = await exportOnnx(model, {
      inputs: [...inputs],
      outputs: [score!],
      layout,
      verify: { runtime: host },
    });
    const loaded = await load(file, { executor: 'inline' });
    const { data } = fromImages([picture], { layout: 'nhwc', range: [-1, 1] });
    const patches = system.networks['d_b']!.predict(tf.tensor4d(data as Float32Array, [1, ...shape] as [1, 8, 8, 1]));
    const values = [...(await (patches as tf.Tensor).data())].map((x) => Math.min(1, Math.max(0, x)));
    expect(values.length).toBeGreaterThan(1);
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    expect((await loaded.score(picture))[0]).toBeCloseTo(mean, 5);
    await loaded.dispose();
    system.dispose();
  });

  test('refused for discriminators that do not judge single examples', async () => {
    const refused = {
      code: 'config.invalid',
      message: expect.stringMatching(/^config\.exportDiscriminator/) as string,
    };
    await expect(run({ system: 'dcgan', pack: 2, penalties: {} })).rejects.toMatchObject(refused);
    await expect(run({ system: 'stylegan', base: 2, widest: 4, latent: 4, style: 4 })).rejects.toMatchObject(refused);
  });
});
