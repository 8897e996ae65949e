// forja export and forja verify as commands: tfjs models on disk, layers and graph models, and errors for damaged ones.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliIo } from '@forja/core';
import { commands, exportOnnx, loadTfjsModel, verifyOnnx, type ExportReport } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { quietIo } from '../../packages/trainer/src/node/quiet-io.support.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forja-export-'));
  await tf.setBackend('cpu');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function io(): CliIo & { lines: string[] } {
  const lines: string[] = [];
  const note = (line = ''): void => void lines.push(line);
  return { ...quietIo({ cwd: folder, print: note, warn: note }), lines };
}

function find(name: string): (typeof commands)[number] {
  const found = commands.find((c) => c.name === name);
  if (found === undefined) throw new Error(`no command ${name}`);
  return found;
}

/** Bits of the nearest half, from a float32's bits; for numbers in (-1, 1) that are not tiny. */
function halfBits(value: number): number {
  const [bits = 0] = new Uint32Array(Float32Array.of(value).buffer);
  const exponent = ((bits >>> 23) & 255) - 112;
  return exponent <= 0 ? 0 : ((bits >>> 16) & 0x8000) | ((exponent << 10) + ((bits >>> 13) & 1023));
}

async function command(
  name: string,
  args: Record<string, unknown>,
): Promise<{ result: Record<string, unknown>; lines: string[] }> {
  const at = io();
  return { result: (await find(name).run(args, at)) as Record<string, unknown>, lines: at.lines };
}

/** Saves as the tfjs converter does: weights in files of at most `shard` bytes. */
async function save(model: tf.LayersModel, where: string, shard: number): Promise<void> {
  await mkdir(where, { recursive: true });
  await model.save(
    tf.io.withSaveHandler(async ({ modelTopology, weightSpecs = [], weightData }) => {
      const bytes = new Uint8Array(weightData as ArrayBuffer);
      const count = Math.ceil(bytes.length / shard);
      const paths = Array.from({ length: count }, (_, i) => `group1-shard${i + 1}of${count}.bin`);
      await Promise.all(
        paths.map((path, i) => writeFile(join(where, path), bytes.subarray(i * shard, (i + 1) * shard))),
      );
      await writeFile(
        join(where, 'model.json'),
        JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest: [{ paths, weights: weightSpecs }] }),
      );
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
}

function network(): tf.LayersModel {
  const init = (seed: number): ReturnType<typeof tf.initializers.randomNormal> =>
    tf.initializers.randomNormal({ stddev: 0.3, seed });
  return tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [6], units: 4 * 4 * 8, kernelInitializer: init(1), activation: 'relu' }),
      tf.layers.reshape({ targetShape: [4, 4, 8] }),
      tf.layers.conv2dTranspose({
        filters: 3,
        kernelSize: 4,
        strides: 2,
        padding: 'same',
        activation: 'tanh',
        kernelInitializer: init(2),
      }),
    ],
  });
}

/** A frozen TensorFlow graph, as the converter writes it: y = relu(x · w + b). */
async function saveGraph(where: string): Promise<Float32Array> {
  await mkdir(where, { recursive: true });
  const type = { type: 'DT_FLOAT' };
  const node = (name: string, op: string, input: string[] = [], attr: Record<string, unknown> = {}): unknown => ({
    name,
    op,
    input,
    attr: { T: type, ...attr },
  });
  const shape = (...sizes: number[]): unknown => ({ shape: { dim: sizes.map((size) => ({ size: String(size) })) } });
  const modelTopology = {
    node: [
      node('x', 'Placeholder', [], { dtype: type, shape: shape(-1, 3) }),
      node('w', 'Const', [], { dtype: type }),
      node('b', 'Const', [], { dtype: type }),
      node('dot', 'MatMul', ['x', 'w'], { transpose_a: { b: false }, transpose_b: { b: false } }),
      node('sum', 'BiasAdd', ['dot', 'b']),
      node('y', 'Relu', ['sum']),
    ],
    versions: { producer: 1 },
  };
  const weights = Float32Array.from({ length: 8 }, (_, i) => Math.sin(i + 1));
  await writeFile(join(where, 'weights.bin'), new Uint8Array(weights.buffer));
  const specs = [
    { name: 'w', shape: [3, 2], dtype: 'float32' },
    { name: 'b', shape: [2], dtype: 'float32' },
  ];
  await writeFile(
    join(where, 'model.json'),
    JSON.stringify({
      format: 'graph-model',
      modelTopology,
      weightsManifest: [{ paths: ['weights.bin'], weights: specs }],
    }),
  );
  return weights;
}

describe('forja export and verify', () => {
  it('exports a sharded layers model, verified, and verifies the file again', async () => {
    await save(network(), join(folder, 'tfjs'), 1000);
    const { result, lines } = await command('export', {
      model: 'tfjs',
      out: 'out/model.onnx',
      input: ['z:batch,6'],
      layout: 'nchw',
      report: 'report.json',
    });
    expect(result['report']).toMatchObject({ verified: 'passed', dynamicDims: ['batch'], transposes: 0 });
    expect(lines.join('\n')).toContain('verified against tfjs');
    expect(JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'))).toMatchObject({ verified: 'passed' });
    expect(await readdir(join(folder, 'out'))).toEqual(['MODEL_CARD.md', 'model.onnx']);

    const verified = await command('verify', { model: 'out/model.onnx', against: 'tfjs/model.json' });
    expect(verified.result).toMatchObject({ equal: true });
    // Another model of the same shape fails.
    const other = network();
    other.setWeights(other.getWeights().map((w) => w.mul(1.01)));
    await save(other, join(folder, 'other'), 1 << 20);
    await expect(command('verify', { model: 'out/model.onnx', against: 'other' })).rejects.toMatchObject({
      code: 'export.mismatch',
    });
  });

  it('takes ranges of inputs by name, in export and verify', async () => {
    const y = tf.input({ shape: [1], name: 'label' });
    const z = tf.input({ shape: [4], name: 'z' });
    const rows = tf.layers
      .flatten()
      .apply(tf.layers.embedding({ inputDim: 10, outputDim: 4 }).apply(y)) as tf.SymbolicTensor;
    const model = tf.model({
      inputs: [z, y],
      outputs: tf.layers.multiply().apply([z, rows]) as tf.SymbolicTensor,
    });
    await save(model, join(folder, 'conditional'), 1 << 20);
    const args = { model: 'conditional', out: 'c.onnx', card: false };
    const { result } = await command('export', { ...args, range: ['label:0,9', 'z:-0.5,5e-1'] });
    expect(result['report']).toMatchObject({
      verified: 'passed',
      inputs: [
        { name: 'z', range: [-0.5, 0.5] },
        { name: 'label', range: [0, 9] },
      ],
    });
    const against = { model: 'c.onnx', against: 'conditional' };
    expect((await command('verify', { ...against, range: ['label:0,9'] })).result).toMatchObject({ equal: true });
    const named = { ...args, input: ['noise:batch,4', 'class:batch,1'], range: ['class:0,9'] };
    expect((await command('export', named)).result['report']).toMatchObject({
      inputs: [{ name: 'noise' }, { name: 'class', range: [0, 9] }],
    });
    for (const name of ['export', 'verify'])
      for (const range of [
        'label',
        'label:0',
        'label:9,0',
        'label:a,b',
        ':0,1',
        'label:0,',
        'other:0,1',
        'label:0,1,2',
      ])
        await expect(
          command(name, { ...(name === 'export' ? args : against), range: [range] }),
          range,
        ).rejects.toMatchObject({ code: 'usage' });
    // Sizes that a dynamic dim will have.
    const { result: bounded } = await command('export', { ...args, bounds: ['batch:1,40'], report: 'bounds.json' });
    expect(bounded['report']).toMatchObject({ verified: 'passed' });
    for (const bounds of ['batch', 'batch:1', 'batch:9,1', 'batch:0.5,2', 'rows:1,4'])
      await expect(command('export', { ...args, bounds: [bounds] }), bounds).rejects.toRefuse('usage', 'bounds');
    // An input that the model rejects is reported as the model's error.
    const failure = command('export', { ...args, range: ['label:0,20'] });
    await expect(failure).rejects.toRefuse('export.unverified', "'label' in [0, 20]", '--range');
  });

  it('exports a graph model, and a file of bytes verifies too', async () => {
    const weights = await saveGraph(join(folder, 'graph'));
    const { result } = await command('export', { model: 'graph/model.json', out: 'graph.onnx' });
    expect(result['report']).toMatchObject({
      verified: 'passed',
      inputs: [{ name: 'x', shape: ['batch', 3] }],
      outputs: [{ name: 'y', shape: ['batch', 2] }],
    });
    const loaded = (await loadTfjsModel(join(folder, 'graph'))) as tf.GraphModel;
    const out = loaded.predict(tf.tensor2d([[1, 2, 3]])) as tf.Tensor;
    expect(Array.from(out.dataSync())).toBeAllclose(
      [0, 1].map((j) =>
        Math.max(
          0,
          [0, 1, 2].reduce((sum, i) => sum + (i + 1) * (weights[2 * i + j] ?? 0), weights[6 + j] ?? 0),
        ),
      ),
      { rtol: 1e-5, atol: 1e-6 },
    );

    const model = network();
    const bytes = await exportOnnx(model, { imageOutput: 'uint8-nhwc' });
    expect((await verifyOnnx(bytes.model, model, { seeds: 1 })).errors).toHaveLength(3); // sizes 1, 2 and 9
  });

  it('imports custom layers, and names missing ones', async () => {
    class Twice extends tf.layers.Layer {
      static readonly className = 'ForjaTestTwice';
      override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
        return tf.mul(Array.isArray(inputs) ? (inputs[0] as tf.Tensor) : inputs, 2);
      }
    }
    await save(
      tf.sequential({ layers: [tf.layers.dense({ inputShape: [3], units: 2 }), new Twice({})] }),
      join(folder, 'custom'),
      1 << 20,
    );
    await expect(command('export', { model: 'custom', verify: false })).rejects.toRefuse(
      'model.unsupported',
      '--import',
    );
    // Registers the layer on the very tfjs that this test uses.
    (globalThis as Record<string, unknown>)['forjaTestRegister'] = () => tf.serialization.registerClass(Twice);
    await writeFile(join(folder, 'layers.mjs'), 'globalThis.forjaTestRegister();\n');
    expect((await command('export', { model: 'custom', import: ['layers.mjs'] })).result['report']).toMatchObject({
      verified: 'passed',
    });
  });

  it('reads a model and its shards from a server, keeps the query, and shows a failing server’s message', async () => {
    await save(network(), join(folder, 'tfjs'), 1000);
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      const [path = ''] = (request.url ?? '').split('?');
      if (path === '/broken/model.json') return void response.writeHead(503).end('later');
      readFile(join(folder, path)).then(
        (bytes) => response.end(bytes),
        () => response.writeHead(404).end('<html>'),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const there = await command('export', { model: `${at}/tfjs/model.json?v=2`, out: 'there.onnx', verify: false });
      const here = await command('export', { model: 'tfjs', out: 'here.onnx', verify: false });
      expect(there.result['report']).toMatchObject({ inputs: (here.result['report'] as { inputs: unknown }).inputs });
      expect((await readFile(join(folder, 'there.onnx'))).equals(await readFile(join(folder, 'here.onnx')))).toBe(true);
      expect(asked[0]).toBe('/tfjs/model.json?v=2');
      expect(asked.slice(1).every((url) => /^\/tfjs\/group1-shard\d+of\d+\.bin\?v=2$/.test(url))).toBe(true);
      await expect(command('export', { model: `${at}/none/model.json` })).rejects.toMatchObject({
        code: 'model.notFound',
      });
      await expect(command('export', { model: `${at}/broken/model.json` })).rejects.toMatchObject({ code: 'io' });
      await rm(join(folder, 'tfjs', 'group1-shard2of12.bin'), { force: true });
      const shards = (await readdir(join(folder, 'tfjs'))).filter((name) => name.endsWith('.bin'));
      await rm(join(folder, 'tfjs', shards[0] ?? ''));
      await expect(command('export', { model: `${at}/tfjs/model.json` })).rejects.toMatchObject({
        code: 'model.notFound',
        message: expect.stringContaining('shard') as string,
      });
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    await expect(command('export', { model: `${at}/tfjs/model.json` })).rejects.toMatchObject({ code: 'io' });
  });

  it('reads quantised weights as tfjs does', async () => {
    const model = network();
    const values = Float32Array.from({ length: 6 * 128 }, (_, i) => Math.sin(i));
    for (const dtype of ['uint8', 'uint16', 'float16'] as const) {
      const where = join(folder, dtype);
      await save(model, where, 1 << 20);
      const json = JSON.parse(await readFile(join(where, 'model.json'), 'utf8')) as {
        weightsManifest: { paths: string[]; weights: Record<string, unknown>[] }[];
      };
      const bytes = await readFile(join(where, 'group1-shard1of1.bin'));
      const [min, scale] = [-1, dtype === 'uint8' ? 2 / 255 : 2 / 65535];
      const packed =
        dtype === 'float16'
          ? Uint16Array.from(values, (v) => halfBits(v))
          : new (dtype === 'uint8' ? Uint8Array : Uint16Array)(
              Array.from(values, (v) => Math.round((v - min) / scale)),
            );
      const [group] = json.weightsManifest;
      const [kernel] = group?.weights ?? [];
      if (group === undefined || kernel === undefined) throw new Error('no weights');
      kernel['quantization'] =
        dtype === 'float16' ? { dtype, original_dtype: 'float32' } : { dtype, min, scale, original_dtype: 'float32' };
      await writeFile(
        join(where, 'group1-shard1of1.bin'),
        Buffer.concat([new Uint8Array(packed.buffer), bytes.subarray(values.length * 4)]),
      );
      await writeFile(join(where, 'model.json'), JSON.stringify(json));
      const { result } = await command('export', { model: dtype, out: `${dtype}.onnx`, card: false });
      expect(result['report']).toMatchObject({ verified: 'passed' });
      const loaded = (await loadTfjsModel(where)) as tf.LayersModel;
      expect(Array.from(loaded.getWeights()[0]?.dataSync() ?? [])).toBeAllclose(Array.from(values), {
        rtol: 0,
        atol: dtype === 'uint8' ? 5e-3 : 1e-3,
      });
    }
  });

  it('writes the report in three formats, escaped, with each call compared; shows progress; Ctrl-C stops', async () => {
    await save(network(), join(folder, 'tfjs'), 1 << 20);
    for (const form of ['json', 'md', 'html']) {
      const seen: number[] = [];
      const at = {
        ...io(),
        progress: () => ({ update: (done: number) => void seen.push(done), stop: () => undefined }),
      };
      await find('export').run(
        {
          model: 'tfjs',
          input: ['<img src=x onerror=alert(1)>:batch,6'],
          report: `reports/report.${form}`,
          perNode: true,
        },
        at,
      );
      expect(seen.length).toBeGreaterThan(8);
      expect([...seen].sort((a, b) => a - b)).toEqual(seen);
      expect(seen.at(-1)).toBeLessThan(100);
    }
    const report = JSON.parse(await readFile(join(folder, 'reports/report.json'), 'utf8')) as ExportReport;
    expect(report.source).toMatchObject({ kind: 'layers', kernels: { Conv2DBackpropInput: 1, _FusedMatMul: 1 } });
    expect(report.calls?.length).toBe(report.source.rewritten);
    for (const { histogram, relative } of report.errors) {
      expect(histogram.reduce((a, b) => a + b, 0)).toBeGreaterThan(100);
      expect(histogram.slice(-2)).toEqual([0, 0]); // nothing at or above the tolerance
      expect(relative).toBeLessThan(1e-4);
    }
    expect(report.transposesLeft).toEqual([
      expect.objectContaining({ perm: [0, 2, 3, 1], why: expect.stringContaining("layout.outputs 'nchw'") as string }),
    ]);
    expect(report.peakMemory).toBeGreaterThan(1e7);
    const html = await readFile(join(folder, 'reports/report.html'), 'utf8');
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(html).not.toContain('<img');
    const markdown = await readFile(join(folder, 'reports/report.md'), 'utf8');
    expect(markdown).not.toMatch(/(?<!\\)<img/);
    await expect(command('export', { model: 'tfjs', report: 'report.pdf' })).rejects.toMatchObject({ code: 'usage' });

    const control = new AbortController();
    const stopping = {
      ...io(),
      signal: control.signal,
      progress: () => ({ update: (done: number) => void (done >= 50 && control.abort()), stop: () => undefined }),
    };
    await expect(find('export').run({ model: 'tfjs', out: 'stopped.onnx' }, stopping)).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(await readdir(folder)).not.toContain('stopped.onnx');
  });

  it('writes a model card once, again over its own, and never over an edited one', async () => {
    await save(network(), join(folder, 'tfjs'), 1 << 20);
    const args = {
      model: 'tfjs',
      out: 'model.onnx',
      input: ['a|b:batch,6'],
      license: 'CC-BY-4.0',
      trainedOn: '<b>Faces</b>',
    };
    const path = join(folder, 'MODEL_CARD.md');
    expect((await command('export', args)).result['card']).toBe(path);
    const card = await readFile(path, 'utf8');
    for (const text of [
      '# model.onnx',
      'CC-BY-4.0',
      '\\<b\\>Faces',
      '| a\\|b | latent | float32 | \\[batch, 6\\] |',
      'from -1 to 1',
      '@forja/node',
      '@forja/web',
      'onnxruntime-web',
      'import onnxruntime as ort',
      'openvino',
      'relative error at most',
    ])
      expect(card).toContain(text);
    // Its own card is replaced, and the same export gives the same card.
    await command('export', { ...args, verify: false });
    expect(await readFile(path, 'utf8')).toContain('Not compared with the original.');
    await command('export', args);
    expect(await readFile(path, 'utf8')).toBe(card);
    // An edited one stays, and so does that of another model.
    await writeFile(path, card.replace('CC-BY-4.0', 'MIT'));
    expect((await command('export', args)).result['card']).toBe(join(folder, 'model.MODEL_CARD.md'));
    expect(await readFile(path, 'utf8')).toContain('MIT');
    await rm(path);
    await command('export', args);
    expect((await command('export', { ...args, out: 'other.onnx' })).result['card']).toBe(
      join(folder, 'other.MODEL_CARD.md'),
    );
    expect(await readFile(path, 'utf8')).toBe(card);
    await writeFile(path, 'mine');
    await writeFile(join(folder, 'model.MODEL_CARD.md'), 'mine too');
    const { result, lines } = await command('export', args);
    expect([result['card'], lines.join()]).toEqual([undefined, expect.stringContaining('no model card')]);
    await rm(path);
    await command('export', { ...args, card: false });
    expect(await readdir(folder)).not.toContain('MODEL_CARD.md');
  });

  it('reads external weights, and refuses a file that is too short or missing', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ inputShape: [32], units: 4 * 4 * 3, activation: 'tanh' }),
        tf.layers.reshape({ targetShape: [4, 4, 3] }),
      ],
    });
    await save(model, join(folder, 'tfjs'), 1e9);
    const { model: bytes, external = new Map<string, Uint8Array>() } = await exportOnnx(model, {
      externalData: { above: 0, location: 'weights.data' },
      verify: false,
    });
    model.dispose();
    const weights = external.get('weights.data') ?? new Uint8Array();
    expect(weights).toHaveLength(32 * 4 * 4 * 3 * 4);
    await writeFile(join(folder, 'big.onnx'), bytes);
    await writeFile(join(folder, 'weights.data'), weights);
    const { result } = await command('verify', { model: 'big.onnx', against: 'tfjs', seeds: 1 });
    expect(result).toMatchObject({ equal: true });

    const verify = (): Promise<unknown> => command('verify', { model: 'big.onnx', against: 'tfjs' });
    const evaluate = (): Promise<unknown> => command('evaluate', { source: 'big.onnx', data: 'ring' });
    await writeFile(join(folder, 'weights.data'), weights.subarray(0, -4));
    for (const short of [verify, evaluate]) await expect(short()).rejects.toRefuse('model.truncated', 'weights.data');
    await rm(join(folder, 'weights.data'));
    for (const missing of [verify, evaluate])
      await expect(missing()).rejects.toRefuse('model.notFound', 'weights.data');
  });

  it('reports errors and writes nothing', async () => {
    await save(network(), join(folder, 'tfjs'), 1 << 20);
    const json = await readFile(join(folder, 'tfjs/model.json'), 'utf8');
    const weights = await readFile(join(folder, 'tfjs/group1-shard1of1.bin'));
    const broken = async (name: string, text: string, bytes: Uint8Array = weights): Promise<string> => {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'model.json'), text);
      await writeFile(join(folder, name, 'group1-shard1of1.bin'), bytes);
      return name;
    };
    const before = new Set(await readdir(folder));
    const failures = [
      ['nothing', 'model.notFound'],
      [await broken('html', '<!doctype html>'), 'model.format'],
      [await broken('empty', ''), 'model.format'],
      [await broken('list', '[1]'), 'model.format'],
      [await broken('other', '{"a":1}'), 'model.format'],
      [await broken('short', json, weights.subarray(0, 100)), 'model.truncated'],
      [
        await broken('outside', json.replace('group1-shard1of1.bin', '../tfjs/group1-shard1of1.bin')),
        'model.integrity',
      ],
      [await broken('lost', json.replace('group1-shard1of1.bin', 'gone.bin')), 'model.notFound', 'gone.bin'],
      [await broken('long', json, Buffer.concat([weights, weights])), 'model.format', 'too long'],
      [await broken('onnx', '\b\bforja'), 'model.format', 'ONNX'],
      [await broken('keras', '{"class_name":"Sequential","config":{},"weightsManifest":[]}'), 'model.format', 'Keras'],
      [await broken('format', json.replace('layers-model', 'other-model')), 'model.format', 'other-model'],
      [await broken('spec', json.replace('"shape":[6,128]', '"shape":[-6,128]')), 'model.format', 'shape'],
      [
        await broken('shape', json.replace('"shape":[6,128]', '"shape":[128,6]')),
        'model.format',
        /kernel' of shape \[6, 128\].*got \[128, 6\]/,
      ],
      [
        await broken('name', json.replace(/"name":"(dense[^"]*)\/kernel"/, '"name":"stranger"')),
        'model.format',
        /expected a weight 'dense[^']*\/kernel'/,
      ],
      [
        await broken(
          'nan',
          json,
          Buffer.from(new Uint8Array(new Float32Array(weights.length / 4).fill(NaN, 7).buffer)),
        ),
        'model.format',
        /weight 'dense[^']*\/kernel' \[6, 128\], got NaN at place 7/,
      ],
      [
        await broken(
          'infinite',
          json,
          Buffer.from(new Uint8Array(new Float32Array(weights.length / 4).fill(-Infinity, 9, 10).buffer)),
        ),
        'model.format',
        /expected finite numbers in the weight 'dense[^']*\/kernel'.*got -Infinity at place 9/,
      ],
      [
        await broken(
          'quantised',
          json.replace(/("name":"dense[^"]*\/kernel"[^}]*)}/, '$1,"quantization":{"dtype":"uint8"}}'),
        ),
        'model.format',
        /weight 'dense[^']*' with the quantization \{"dtype":"uint8"\}/,
      ],
      [
        await broken('as-graph', json.replace('layers-model', 'graph-model')),
        'model.format',
        /'graph-model' with a topology that has no nodes/,
      ],
      [
        await broken(
          'keras3',
          json.replace('"class_name":"Dense"', '"module":"keras.layers","registered_name":null,"class_name":"Dense"'),
        ),
        'model.format',
        'Keras 3',
      ],
      [await broken('half', json.slice(0, json.length / 2)), 'model.format', 'not JSON'],
      [await broken('unshared', json, weights.subarray(0, 0)), 'model.truncated'],
    ] as const;
    for (const [model, code, text = /./] of failures) {
      const failure = command('export', { model, out: 'bad.onnx' });
      await expect(failure, model).rejects.toMatchObject({ code });
      await expect(failure, model).rejects.toThrow(text);
    }
    // names the wrong one of several shards
    await save(network(), join(folder, 'shards'), 1000);
    const parts = (await readdir(join(folder, 'shards'))).filter((name) => name.endsWith('.bin'));
    const second = parts.find((name) => name.includes('shard2of')) ?? '';
    await writeFile(join(folder, 'shards', second), (await readFile(join(folder, 'shards', second))).subarray(0, 500));
    await expect(command('export', { model: 'shards' })).rejects.toThrow(new RegExp(`${second} is cut short.*`));
    await saveGraph(join(folder, 'graph'));
    const graph = await readFile(join(folder, 'graph/model.json'), 'utf8');
    await writeFile(
      join(folder, 'graph/model.json'),
      graph.replace('{"name":"b","shape":[2],"dtype":"float32"}', '{"name":"c","shape":[2],"dtype":"float32"}'),
    );
    await expect(command('export', { model: 'graph' })).rejects.toMatchObject({
      code: 'model.format',
      message: expect.stringContaining("weight 'b'") as string,
    });
    await writeFile(join(folder, 'graph/model.json'), graph.replace('"op":"Relu"', '"op":"NoSuchOp"'));
    await expect(command('export', { model: 'graph' })).rejects.toMatchObject({
      code: 'export.unsupported',
      message: expect.stringContaining('NoSuchOp') as string,
    });
    await expect(command('export', { model: 'tfjs', input: ['a:batch,6', 'b:batch,6'] })).rejects.toThrow(
      /expected 1 inputs \(dense[^)]* \[any, 6\]\), got 2/,
    );
    await expect(command('export', { model: 'tfjs', input: ['z:batch,7'] })).rejects.toMatchObject({
      code: 'input.shape',
    });
    await expect(command('export', { model: 'tfjs', out: 'tfjs' })).rejects.toMatchObject({ code: 'usage' });
    await expect(command('export', { model: 'tfjs', input: ['z'] })).rejects.toRefuse('usage', 'name:dims');
    await expect(command('export', { model: 'tfjs', precision: 'int4' })).rejects.toMatchObject({ code: 'usage' });
    await expect(command('export', { model: 'tfjs', import: ['missing.mjs'] })).rejects.toThrow(
      /--import missing\.mjs/,
    );
    await expect(command('verify', { model: 'none.onnx', against: 'tfjs' })).rejects.toMatchObject({
      code: 'model.notFound',
    });
    await expect(command('verify', { model: 'tfjs/model.json', against: 'tfjs' })).rejects.toMatchObject({
      code: 'model.format',
    });
    await expect(command('verify', { model: 'none.onnx' })).rejects.toRefuse('usage', '--against');
    expect((await readdir(folder)).filter((name) => !before.has(name) && name.endsWith('.onnx'))).toEqual([]);
  });
});
