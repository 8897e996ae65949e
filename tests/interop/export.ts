// Writes models for other runtimes, each with inputs and onnxruntime-node's outputs. Run by interop.mjs.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readManifest, type NamedTensors } from '@forja/core';
import { runtime } from '@forja/node';
import { exportOnnx, loadTfjsModel, type ExportOptions } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { nsfwModel, packaged } from '../models/published.js';
import { network, NETWORKS } from '../parity/support/networks.js';

const [folder = '.', only = ''] = process.argv.slice(2);
const SIZES: Readonly<Record<string, number>> = { batch: 2, height: 16, width: 24 };
await tf.setBackend('wasm');
const onnx = runtime({ device: 'cpu', threads: 2, executor: 'inline' });

function feedsOf(bytes: Uint8Array): NamedTensors {
  return Object.fromEntries(
    (readManifest(bytes)?.inputs ?? []).map(({ name, dtype, shape }, at) => {
      const dims = shape.map((dim) => (typeof dim === 'number' ? dim : (SIZES[dim] ?? 3)));
      const count = dims.reduce((a, b) => a * b, 1);
      return [
        name,
        dtype === 'int32'
          ? { dtype: 'int32' as const, shape: dims, data: Int32Array.from({ length: count }, (_, i) => i % 5) }
          : {
              dtype: 'float32' as const,
              shape: dims,
              data: Float32Array.from({ length: count }, (_, i) => Math.sin(1 + i * (at + 1.7)) / 2 + 0.4),
            },
      ];
    }),
  );
}

async function write(name: string, model: tf.LayersModel | tf.GraphModel, options: ExportOptions = {}): Promise<void> {
  if (!name.includes(only)) return;
  const { model: bytes, external } = await exportOnnx(model, {
    ...options,
    ...(options.externalData === undefined ? {} : { externalData: { above: 0, location: `${name}.onnx.data` } }),
    verify: { runtime: onnx, seeds: 1 },
  });
  await writeFile(join(folder, `${name}.onnx`), bytes);
  for (const [location, content] of external ?? []) await writeFile(join(folder, location), content);
  const session = await onnx.createSession(
    new Uint8Array(bytes),
    external === undefined ? {} : { external: new Map(external) },
  );
  const feeds = feedsOf(bytes);
  const results = await session.run(feeds);
  await session.dispose();
  const plain = (tensors: NamedTensors): unknown =>
    Object.fromEntries(
      Object.entries(tensors).map(([key, { dtype, shape, data }]) => [
        key,
        { dtype, shape, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64') },
      ]),
    );
  await writeFile(
    join(folder, `${name}.json`),
    JSON.stringify({ name, precision: options.precision ?? 'fp32', feeds: plain(feeds), results: plain(results) }),
  );
  console.log(`${name}: ${bytes.length} bytes`);
}

/**
 * The sizes of a model's inputs for one picture: some runtimes support no batch, or pad dynamic sizes wrongly.
 */
function fixed(model: tf.LayersModel): NonNullable<ExportOptions['inputs']> {
  const open = [1, SIZES['height'] ?? 1, SIZES['width'] ?? 1];
  return model.inputs.map(({ shape }) => ({ shape: shape.map((size, axis) => size ?? open[axis] ?? 1) }));
}

for (const name of NETWORKS) {
  for (const opset of [17, 21, 22])
    await write(`${name}-${opset}`, network(name), { opset, layout: { inputs: 'nchw', outputs: 'nchw' } });
  await write(`${name}-fixed`, network(name), {
    inputs: fixed(network(name)),
    layout: { inputs: 'nchw', outputs: 'nchw' },
  });
  await write(`${name}-fp16`, network(name), { precision: 'fp16', layout: { inputs: 'nchw', outputs: 'nchw' } });
}
await write('unet-external', network('unet', 4), { externalData: true });
for (const weights of ['int8', 'uint8', 'fp16'] as const)
  await write(`dcgan-weights-${weights}`, network('dcgan'), { weights, layout: { inputs: 'nchw', outputs: 'nchw' } });
await write('dcgan-uint8', network('dcgan'), {
  imageOutput: 'uint8-nchw',
  outputs: [{ name: 'image' }],
  inputs: [{ name: 'z', shape: ['batch', 12] }],
});
for (const [name, packageName, path] of [
  ['esrgan-slim-x2', '@upscalerjs/esrgan-slim', 'models/x2'],
  ['esrgan-medium-x4', '@upscalerjs/esrgan-medium', 'models/x4'],
  ['basic-pitch', '@spotify/basic-pitch', 'model'],
] as const) {
  if (name.includes(only)) await write(name, await loadTfjsModel(packaged(packageName, `${path}/model.json`)));
}
if ('nsfw-mobilenet'.includes(only)) {
  const { path, remove } = await nsfwModel('mobilenet_v2');
  await write('nsfw-mobilenet', await loadTfjsModel(path));
  await remove();
}
await onnx.dispose();
