// The range of pictures, inferred from the function's first operations on them, and pictures drawn in a range.
import { philoxUniform } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { trace } from '../trace/trace.js';
import { constantsOf } from './domain.js';
import { draw } from './feeds.js';
import { paint, pictureRange } from './pictures.js';

beforeAll(() => tf.setBackend('cpu'));

function rangeOf(fn: (x: tf.Tensor) => tf.Tensor): readonly number[] {
  const inputs = [{ name: 'x', dtype: 'float32', shape: [1, 8, 8, 3] } as const];
  const filter = tf.ones([3, 3, 3, 2]) as tf.Tensor4D;
  const network = ({ x }: Record<string, tf.Tensor>): Record<string, tf.Tensor> => ({
    y: tf.conv2d(fn(x as tf.Tensor) as tf.Tensor4D, filter, 1, 'same'),
  });
  const { program } = trace(network, { inputs, variables: 'constant' });
  return pictureRange(program, program.inputs[0]?.value ?? -1, constantsOf(program));
}

it.each<[string, (x: tf.Tensor) => tf.Tensor, number[]]>([
  ['nothing', (x) => x, [-1, 1]],
  ['x / 255', (x) => tf.div(x, 255), [0, 255]],
  ['x / 127.5 - 1', (x) => tf.sub(tf.div(x, 127.5), 1), [0, 255]],
  ['x · 1/255, computed', (x) => tf.mul(x, tf.div(tf.scalar(1), tf.scalar(255))), [0, 255]],
  ["less ImageNet's mean, of bytes", (x) => tf.sub(x, tf.tensor1d([123.68, 116.78, 103.94])), [0, 255]],
  ['(x - 128) / 128 behind a cast', (x) => tf.div(tf.sub(tf.cast(x, 'float32'), 128), 128), [0, 255]],
  ['2x - 1', (x) => tf.sub(tf.mul(x, 2), 1), [0, 1]],
  ["less ImageNet's mean, of fractions", (x) => tf.div(tf.sub(x, tf.tensor1d([0.485, 0.456, 0.406])), tf.tensor1d([0.229, 0.224, 0.225])), [0, 1]], // prettier-ignore
  ['(x + 1) / 2', (x) => tf.div(tf.add(x, 1), 2), [-1, 1]],
])('%s', (_, fn, expected) => expect(rangeOf(fn)).toEqual(expected));

it('painted pictures stay in their range, have areas, and are not alike', () => {
  const shape = [2, 32, 24, 3];
  const noise = philoxUniform({ seed: 5, step: 0, stream: 0 }, 2 * 32 * 24 * 3);
  const picture = paint(noise, shape, [0, 255]);
  expect(Math.min(...picture)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...picture)).toBeLessThanOrEqual(255);
  const step = (data: Float32Array): number =>
    data.reduce((sum, v, i) => sum + Math.abs(v - (data[i + 3] ?? v)), 0) / data.length / 255;
  // Neighbours are as far apart as the grain, where numbers drawn each for itself are by a third.
  expect(step(picture)).toBeLessThan(0.1);
  expect(step(noise.map((u) => 255 * u))).toBeGreaterThan(0.25);
  expect(picture.slice(0, picture.length / 2)).not.toEqual(picture.slice(picture.length / 2));
});

it('integers of a picture are bytes', () => {
  const { data } = draw({ dtype: 'int32', role: 'tensor' }, [1, 32, 32, 3], 1, 0);
  expect([Math.min(...data), Math.max(...data)]).toEqual([0, 255]);
});
