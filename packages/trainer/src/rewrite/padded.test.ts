// Pads merged into convolutions: the same numbers as eager tfjs, and cases where they must stay.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { trace } from '../trace/trace.js';
import { optimize } from './optimize.js';
import { replay } from '../program/replay.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const wave = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 0.7 + 0.2));
const SHAPE: [number, number, number, number] = [2, 6, 5, 3];
const filter = (outputs: number): tf.Tensor4D => tf.tensor4d(wave(9 * 3 * outputs), [3, 3, 3, outputs]);

/** Kernels of the optimized program of `network`; checks that its numbers are tfjs's. */
function kernels(network: (x: tf.Tensor4D) => tf.Tensor | tf.Tensor[]): string[] {
  const named = (x: tf.Tensor): Record<string, tf.Tensor> =>
    Object.fromEntries([network(x as tf.Tensor4D)].flat().map((y, i) => [`y${i}`, y]));
  const program = optimize(
    trace(({ x }) => named(x as tf.Tensor), {
      inputs: [{ name: 'x', dtype: 'float32', shape: [...SHAPE] }],
      variables: 'constant',
    }).program,
  );
  const data = wave(SHAPE.reduce((a, b) => a * b, 1));
  const results = replay(program, { x: { data } });
  tf.tidy(() => {
    for (const [name, y] of Object.entries(named(tf.tensor4d(data, SHAPE)))) {
      expect(results[name]?.shape).toEqual(y.shape);
      expect(results[name]?.data).toBeAllclose(y.dataSync(), { rtol: 1e-5, atol: 1e-5 });
    }
  });
  return program.calls.map((call) => call.kernel);
}

describe('zeros around a picture', () => {
  it('become the padding of the convolution that reads them', () => {
    const w = filter(4);
    expect(
      kernels((x) =>
        tf.conv2d(
          tf.pad(x, [
            [0, 0],
            [1, 1],
            [1, 1],
            [0, 0],
          ]),
          w,
          1,
          'valid',
        ),
      ),
    ).toEqual(['Conv2D']);
    expect(
      kernels((x) =>
        tf.conv2d(
          tf.pad(x, [
            [0, 0],
            [0, 1],
            [2, 1],
            [0, 0],
          ]),
          w,
          2,
          'valid',
        ),
      ),
    ).toEqual(['Conv2D']);
    expect(
      kernels((x) =>
        tf.depthwiseConv2d(
          tf.pad(x, [
            [0, 0],
            [0, 1],
            [0, 1],
            [0, 0],
          ]),
          filter(2),
          2,
          'valid',
        ),
      ),
    ).toEqual(['DepthwiseConv2dNative']);
    expect(
      kernels((x) =>
        tf.fused.conv2d({
          x: tf.pad(x, [
            [0, 0],
            [1, 0],
            [0, 2],
            [0, 0],
          ]),
          filter: w,
          strides: 1,
          pad: 'valid',
          bias: tf.tensor1d([1, 2, 3, 4]),
          activation: 'relu',
        }),
      ),
    ).toEqual(['FusedConv2D']);
  });

  it('stay if they are not zeros, are read twice, or the convolution pads too', () => {
    const w = filter(4);
    const borders: [number, number][] = [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ];
    expect(kernels((x) => tf.conv2d(tf.pad(x, borders, 1), w, 1, 'valid'))).toEqual(['PadV2', 'Conv2D']);
    expect(kernels((x) => tf.conv2d(tf.pad(x, borders), w, 1, 'same'))).toEqual(['PadV2', 'Conv2D']);
    expect(
      kernels((x) =>
        tf.conv2d(
          tf.pad(x, [
            [1, 0],
            [1, 1],
            [1, 1],
            [0, 0],
          ]),
          w,
          1,
          'valid',
        ),
      ),
    ).toEqual(['PadV2', 'Conv2D']);
    expect(
      kernels((x) => {
        const padded = tf.pad(x, borders);
        return [tf.conv2d(padded, w, 1, 'valid'), tf.relu(padded)];
      }),
    ).toEqual(['PadV2', 'Conv2D', 'Relu']);
  });
});
