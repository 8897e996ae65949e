// Convolutions moved before the nearest-neighbour enlargement that they read: the same numbers as eager tfjs, at odd
// and even sizes, borders included; and cases where they must stay.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Program } from '../program/program.js';
import { trace } from '../trace/trace.js';
import { align } from './align.js';
import { optimize } from './optimize.js';
import { replay } from '../program/replay.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const wave = (count: number, at = 0): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin((i + at) * 0.7 + 0.2));
const filter = (height: number, width: number, inputs: number, outputs: number): tf.Tensor4D =>
  tf.tensor4d(wave(height * width * inputs * outputs, 3), [height, width, inputs, outputs]);
type Network = (x: tf.Tensor4D) => tf.Tensor | tf.Tensor[];

/**
 * Kernels of the optimized program of `network` at any batch, height and width of `channels`; its numbers must be
 * tfjs's at sizes that were not traced.
 */
function kernels(channels: number, network: Network): string[] {
  const named = (x: tf.Tensor): Record<string, tf.Tensor> =>
    Object.fromEntries([network(x as tf.Tensor4D)].flat().map((y, i) => [`y${i}`, y]));
  const at = (sizes: {
    batch: number;
    height: number;
    width: number;
  }): { program: Program; sizes: Record<string, number> } => ({
    sizes,
    program: trace(({ x }) => named(x as tf.Tensor), {
      inputs: [{ name: 'x', dtype: 'float32', shape: [sizes.batch, sizes.height, sizes.width, channels] }],
      variables: 'constant',
    }).program,
  });
  const program = optimize(
    align([
      at({ batch: 3, height: 5, width: 7 }),
      at({ batch: 2, height: 11, width: 13 }),
      at({ batch: 5, height: 17, width: 19 }),
      at({ batch: 4, height: 6, width: 10 }),
    ]),
  );
  for (const [batch, height, width] of [
    [1, 1, 1],
    [2, 4, 3],
    [1, 2, 9],
  ] as const) {
    const data = wave(batch * height * width * channels);
    const results = replay(program, { x: { data } }, { sizes: { batch, height, width } });
    tf.tidy(() => {
      for (const [name, y] of Object.entries(named(tf.tensor4d(data, [batch, height, width, channels])))) {
        expect(results[name]?.shape).toEqual(y.shape);
        expect(results[name]?.data, `${name} at ${height}×${width}`).toBeAllclose(y.dataSync(), {
          rtol: 1e-5,
          atol: 1e-5,
        });
      }
    });
  }
  return program.calls.map((call) => call.kernel);
}

const enlarged = (x: tf.Tensor4D, factor: number, halfPixelCenters = false): tf.Tensor4D =>
  tf.image.resizeNearestNeighbor(x, [x.shape[1] * factor, x.shape[2] * factor], false, halfPixelCenters);

describe('a convolution behind a nearest-neighbour enlargement', () => {
  it('is computed on the small picture, whatever kernel and factor', () => {
    for (const [height, width, factor] of [
      [3, 3, 2],
      [5, 5, 2],
      [4, 4, 2],
      [2, 2, 2],
      [7, 3, 2],
      [3, 3, 3],
      [5, 3, 4],
    ] as const) {
      const w = filter(height, width, 8, 3);
      const made = kernels(8, (x) => tf.conv2d(enlarged(x, factor), w, 1, 'same'));
      expect(
        made.filter((kernel) => kernel !== 'GatherV2'),
        `${height}×${width}, ×${factor}`,
      ).toEqual(['Conv2D', 'DepthToSpace']);
    }
  });

  it('shares equal groups of channels between pixels', () => {
    const w = filter(3, 3, 8, 3);
    // saves too little
    expect(kernels(8, (x) => tf.conv2d(enlarged(x, 4), w, 1, 'same'))).toEqual(['Conv2D', 'DepthToSpace']);
    expect(kernels(8, (x) => tf.conv2d(enlarged(x, 8, true), w, 1, 1))).toEqual(['Conv2D', 'GatherV2', 'DepthToSpace']);
  });

  it('keeps bias, batch norm and activation', () => {
    const [w, bias, mean, variance] = [
      filter(3, 3, 8, 3),
      tf.tensor1d([0.5, -1, 2]),
      tf.tensor1d([0.1, 0.2, -0.3]),
      tf.tensor1d([1, 2, 0.5]),
    ];
    expect(
      kernels(8, (x) =>
        tf.fused.conv2d({ x: enlarged(x, 2), filter: w, strides: 1, pad: 'same', bias, activation: 'relu' }),
      ),
    ).toEqual(['FusedConv2D', 'DepthToSpace']);
    expect(
      kernels(8, (x) => tf.tanh(tf.batchNorm(tf.add(tf.conv2d(enlarged(x, 2), w, 1, 'same'), bias), mean, variance))),
    ).toEqual(['FusedConv2D', 'DepthToSpace', 'Tanh']);
  });

  it('stays if nothing would be gained or the case is not covered', () => {
    const stays = (channels: number, network: Network): void =>
      expect(kernels(channels, network).filter((kernel) => ['DepthToSpace', 'GatherV2'].includes(kernel))).toEqual([]);
    const w = filter(3, 3, 8, 3);
    stays(8, (x) => tf.conv2d(enlarged(x, 2), filter16, 1, 'same')); // as much to compute, more to move
    stays(8, (x) => {
      const large = enlarged(x, 2);
      return [tf.conv2d(large, w, 1, 'same'), tf.relu(large)];
    });
    stays(8, (x) => tf.conv2d(enlarged(x, 2), w, 2, 'same'));
    stays(8, (x) => tf.conv2d(enlarged(x, 4), w, 1, 'valid'));
    stays(8, (x) => tf.conv2d(enlarged(x, 2), w, 1, 'same', 'NHWC', 2));
    stays(8, (x) => tf.conv2d(tf.image.resizeBilinear(x, [x.shape[1] * 2, x.shape[2] * 2]), w, 1, 'same'));
    stays(8, (x) => tf.conv2d(tf.image.resizeNearestNeighbor(x, [x.shape[1] * 2, x.shape[2] * 4]), w, 1, 'same'));
  });
  const filter16 = filter(3, 3, 8, 16);
});
