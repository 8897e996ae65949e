// depthToSpace after constants is exported as PyTorch's pixel shuffle (mode CRD), which more runtimes support than
// tfjs's order, unless something else reads the channels. Exports are verified, so results stay the same.
import type { Runtime } from '@forja/core';
import { decodeModel } from '@forja/core/onnx';
import { runtime } from '@forja/node';
import { exportOnnx } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';

let onnx: Runtime;
beforeAll(async () => {
  await tf.setBackend('cpu');
  onnx = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => onnx.dispose());

const filter = (inputs: number, outputs: number): tf.Tensor4D =>
  tf.tensor4d(
    Float32Array.from({ length: 9 * inputs * outputs }, (_, i) => Math.sin(i * 0.7)),
    [3, 3, inputs, outputs],
  );

/** Modes of the file's DepthToSpace nodes. */
async function modes(network: (x: tf.Tensor4D) => tf.Tensor | tf.Tensor[]): Promise<string[]> {
  const { model, report } = await exportOnnx((x: tf.Tensor) => network(x as tf.Tensor4D), {
    inputs: [{ name: 'x', shape: ['batch', 'height', 'width', 4] }],
    verify: { runtime: onnx },
  });
  expect(report.verified).toBe('passed');
  return (decodeModel(model).graph?.nodes ?? [])
    .filter(({ opType }) => opType === 'DepthToSpace')
    .map(({ attributes }) => new TextDecoder().decode(attributes.find(({ name }) => name === 'mode')?.s));
}

it('is PyTorch’s after a convolution, with bias and activation between', async () => {
  const [w, bias] = [filter(4, 12), tf.tensor1d(Array.from({ length: 12 }, (_, i) => i / 10))];
  expect(await modes((x) => tf.depthToSpace(tf.conv2d(x, w, 1, 'same'), 2))).toEqual(['CRD']);
  expect(
    await modes((x) => tf.depthToSpace(tf.relu(tf.add<tf.Tensor4D>(tf.conv2d(x, w, 1, 'same'), bias)), 2)),
  ).toEqual(['CRD']);
});

it('is PyTorch’s after a gather for an enlarged picture', async () => {
  const w = filter(4, 3);
  expect(
    await modes((x) => tf.conv2d(tf.image.resizeNearestNeighbor(x, [8 * x.shape[1], 8 * x.shape[2]]), w, 1, 'same')),
  ).toEqual(['CRD']);
});

it('stays tfjs’s if the channels are also read elsewhere, or are an input', async () => {
  const w = filter(4, 12);
  expect(
    await modes((x) => {
      const y = tf.conv2d(x, w, 1, 'same');
      return [tf.depthToSpace(y, 2), y];
    }),
  ).toEqual(['DCR']);
  expect(await modes((x) => tf.depthToSpace(x, 2))).toEqual(['DCR']);
});
