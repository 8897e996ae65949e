// forja export and forja verify as commands: tfjs models on disk, layers and graph models, and what damaged ones are told.
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliIo } from '@forja/core';
import { commands, exportOnnx, loadTfjsModel, verifyOnnx } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forja-export-'));
  await tf.setBackend('cpu');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function io(): CliIo & { lines: string[] } {
  const lines: string[] = [];
  return { lines, json: false, verbose: false, tty: false, cwd: folder, signal: new AbortController().signal, print: (line = '') => void lines.push(line), warn: (line) => void lines.push(line), progress: () => ({ update: () => undefined, stop: () => undefined }) };
}

async function command(name: string, args: Record<string, unknown>): Promise<{ result: Record<string, unknown>; lines: string[] }> {
  const found = commands.find((c) => c.name === name);
  if (found === undefined) throw new Error(`no command ${name}`);
  const at = io();
  return { result: (await found.run(args, at)) as Record<string, unknown>, lines: at.lines };
}

/** Saves as the tfjs converter does: weights in files of at most `shard` bytes. */
async function save(model: tf.LayersModel, where: string, shard: number): Promise<void> {
  await mkdir(where, { recursive: true });
  await model.save(tf.io.withSaveHandler(async ({ modelTopology, weightSpecs = [], weightData }) => {
    const bytes = new Uint8Array(weightData as ArrayBuffer);
    const count = Math.ceil(bytes.length / shard);
    const paths = Array.from({ length: count }, (_, i) => `group1-shard${i + 1}of${count}.bin`);
    await Promise.all(paths.map((path, i) => writeFile(join(where, path), bytes.subarray(i * shard, (i + 1) * shard))));
    await writeFile(join(where, 'model.json'), JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest: [{ paths, weights: weightSpecs }] }));
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  }));
}

function network(): tf.LayersModel {
  const init = (seed: number): ReturnType<typeof tf.initializers.randomNormal> => tf.initializers.randomNormal({ stddev: 0.3, seed });
  return tf.sequential({ layers: [
    tf.layers.dense({ inputShape: [6], units: 4 * 4 * 8, kernelInitializer: init(1), activation: 'relu' }),
    tf.layers.reshape({ targetShape: [4, 4, 8] }),
    tf.layers.conv2dTranspose({ filters: 3, kernelSize: 4, strides: 2, padding: 'same', activation: 'tanh', kernelInitializer: init(2) }),
  ] });
}

/** A frozen TensorFlow graph, as the converter writes it: y = relu(x · w + b). */
async function saveGraph(where: string): Promise<Float32Array> {
  await mkdir(where, { recursive: true });
  const type = { type: 'DT_FLOAT' };
  const node = (name: string, op: string, input: string[] = [], attr: Record<string, unknown> = {}): unknown => ({ name, op, input, attr: { T: type, ...attr } });
  const shape = (...sizes: number[]): unknown => ({ shape: { dim: sizes.map((size) => ({ size: String(size) })) } });
  const modelTopology = {
    node: [
      node('x', 'Placeholder', [], { dtype: type, shape: shape(-1, 3) }), node('w', 'Const', [], { dtype: type }), node('b', 'Const', [], { dtype: type }),
      node('dot', 'MatMul', ['x', 'w'], { transpose_a: { b: false }, transpose_b: { b: false } }), node('sum', 'BiasAdd', ['dot', 'b']), node('y', 'Relu', ['sum']),
    ],
    versions: { producer: 1 },
  };
  const weights = Float32Array.from({ length: 8 }, (_, i) => Math.sin(i + 1));
  await writeFile(join(where, 'weights.bin'), new Uint8Array(weights.buffer));
  const specs = [{ name: 'w', shape: [3, 2], dtype: 'float32' }, { name: 'b', shape: [2], dtype: 'float32' }];
  await writeFile(join(where, 'model.json'), JSON.stringify({ format: 'graph-model', modelTopology, weightsManifest: [{ paths: ['weights.bin'], weights: specs }] }));
  return weights;
}

describe('forja export and verify', () => {
  it('exports a sharded layers model, verified, and verifies the file again', async () => {
    await save(network(), join(folder, 'tfjs'), 1000);
    const { result, lines } = await command('export', { model: 'tfjs', out: 'out/model.onnx', input: ['z:batch,6'], layout: 'nchw', report: 'report.json' });
    expect(result['report']).toMatchObject({ verified: 'passed', dynamicDims: ['batch'], transposes: 0 });
    expect(lines.join('\n')).toContain('verified against tfjs');
    expect(JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'))).toMatchObject({ verified: 'passed' });
    expect(await readdir(join(folder, 'out'))).toEqual(['model.onnx']);

    const verified = await command('verify', { model: 'out/model.onnx', against: 'tfjs/model.json' });
    expect(verified.result).toMatchObject({ equal: true });
    // Another model of the same shape is told apart.
    const other = network();
    other.setWeights(other.getWeights().map((w) => w.mul(1.01)));
    await save(other, join(folder, 'other'), 1 << 20);
    await expect(command('verify', { model: 'out/model.onnx', against: 'other' })).rejects.toMatchObject({ code: 'export.mismatch' });
  });

  it('exports a graph model, and a file of bytes verifies too', async () => {
    const weights = await saveGraph(join(folder, 'graph'));
    const { result } = await command('export', { model: 'graph/model.json', out: 'graph.onnx' });
    expect(result['report']).toMatchObject({ verified: 'passed', inputs: [{ name: 'x', shape: ['batch', 3] }], outputs: [{ name: 'y', shape: ['batch', 2] }] });
    const loaded = (await loadTfjsModel(join(folder, 'graph'))) as tf.GraphModel;
    const out = loaded.predict(tf.tensor2d([[1, 2, 3]])) as tf.Tensor;
    expect(Array.from(out.dataSync())).toBeAllclose([0, 1].map((j) => Math.max(0, [0, 1, 2].reduce((sum, i) => sum + (i + 1) * (weights[2 * i + j] ?? 0), weights[6 + j] ?? 0))), { rtol: 1e-5, atol: 1e-6 });

    const model = network();
    const bytes = await exportOnnx(model, { imageOutput: 'uint8-nhwc' });
    expect((await verifyOnnx(bytes.model, model)).errors).toHaveLength(4);
  });

  it('imports custom layers, and asks for them', async () => {
    class Twice extends tf.layers.Layer {
      static readonly className = 'ForjaTestTwice';
      override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
        return tf.mul(Array.isArray(inputs) ? (inputs[0] as tf.Tensor) : inputs, 2);
      }
    }
    await save(tf.sequential({ layers: [tf.layers.dense({ inputShape: [3], units: 2 }), new Twice({})] }), join(folder, 'custom'), 1 << 20);
    await expect(command('export', { model: 'custom', verify: false })).rejects.toThrow(/--import/);
    // Registers the layer on the very tfjs that this test uses.
    (globalThis as Record<string, unknown>)['forjaTestRegister'] = () => tf.serialization.registerClass(Twice);
    await writeFile(join(folder, 'layers.mjs'), 'globalThis.forjaTestRegister();\n');
    expect((await command('export', { model: 'custom', import: ['layers.mjs'] })).result['report']).toMatchObject({ verified: 'passed' });
  });

  it('tells what is wrong and writes nothing', async () => {
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
      ['nothing', 'model.notFound'], [await broken('html', '<!doctype html>'), 'model.format'], [await broken('empty', ''), 'model.format'], [await broken('list', '[1]'), 'model.format'], [await broken('other', '{"a":1}'), 'model.format'],
      [await broken('short', json, weights.subarray(0, 100)), 'model.truncated'], [await broken('outside', json.replace('group1-shard1of1.bin', '../tfjs/group1-shard1of1.bin')), 'model.integrity'],
      [await broken('lost', json.replace('group1-shard1of1.bin', 'gone.bin')), 'model.notFound'],
    ] as const;
    for (const [model, code] of failures) await expect(command('export', { model, out: 'bad.onnx' })).rejects.toMatchObject({ code });
    await expect(command('export', { model: 'tfjs', out: 'tfjs' })).rejects.toMatchObject({ code: 'usage' });
    await expect(command('export', { model: 'tfjs', input: ['z'] })).rejects.toThrow(/name:dims/);
    await expect(command('export', { model: 'tfjs', precision: 'fp16' })).rejects.toMatchObject({ code: 'usage' });
    await expect(command('export', { model: 'tfjs', import: ['missing.mjs'] })).rejects.toThrow(/--import missing\.mjs/);
    await expect(command('verify', { model: 'none.onnx', against: 'tfjs' })).rejects.toMatchObject({ code: 'model.notFound' });
    await expect(command('verify', { model: 'tfjs/model.json', against: 'tfjs' })).rejects.toMatchObject({ code: 'model.format' });
    await expect(command('verify', { model: 'none.onnx' })).rejects.toThrow(/--against/);
    expect((await readdir(folder)).filter((name) => !before.has(name) && name.endsWith('.onnx'))).toEqual([]);
  });
});
