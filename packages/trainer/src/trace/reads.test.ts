// Which reads of a size are recorded (who reads which axis), and that watching changes nothing else.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { trace } from './trace.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Fn = (x: tf.Tensor4D) => tf.Tensor;
const SHAPE = [3, 29, 45, 2];

/** The axes of the input that the function reads, in order, and where. */
function readsOf(fn: Fn): { axes: number[]; sites: (string | undefined)[] } {
  const { reads, program } = trace(({ x }) => ({ y: fn(x as tf.Tensor4D) }), {
    inputs: [{ name: 'x', dtype: 'float32', shape: SHAPE }],
    variables: 'constant',
    reads: true,
  });
  const own = reads.filter(({ value }) => value === program.inputs[0]?.value);
  return { axes: own.map(({ axis }) => axis).sort(), sites: own.map(({ site }) => site) };
}

class Reader extends tf.layers.Layer {
  static className = 'TraceReader';
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x] = [inputs].flat();
    return (x?.shape[1] ?? 0) > 512 ? tf.relu(x as tf.Tensor) : tf.tanh(x as tf.Tensor);
  }
}

describe('reads of sizes', () => {
  it.each<[string, Fn, number[]]>([
    ['one size', (x) => (x.shape[1] > 512 ? tf.relu(x) : tf.tanh(x)), [1]],
    ['by a helper', (x) => x.mul(Math.max(...[1, 2].map((axis) => x.shape[axis] ?? 1))), [1, 2]],
    ['by taking the list apart', (x) => (([b, h]) => x.mul((b ?? 0) + (h ?? 0)))(x.shape), [0, 1]],
    ['by slice', (x) => x.mul(x.shape.slice(2).length), [2, 3]],
    ['by the number of elements', (x) => (x.size > 1e6 ? tf.relu(x) : x.tanh()), [0, 1, 2, 3]],
    ['by strides', (x) => x.mul(x.strides[0] ?? 1), [0, 1, 2, 3]],
    ['by tf.util', (x) => x.mul(tf.util.sizeFromShape(x.shape)), [0, 1, 2, 3]],
    ['by JSON', (x) => x.mul(JSON.stringify(x.shape).length), [0, 1, 2, 3]],
    ['in a tidy', (x) => tf.tidy(() => x.mul(x.shape[2])), [2]],
    ['in a gradient', (x) => tf.grad((v) => v.square().mul(v.shape[1] ?? 1))(x), [1]],
    ['in an op of the user', (x) => tf.op({ mine_: (v: tf.Tensor) => v.mul(v.shape[1] ?? 1) })(x), [1]],
    ['in code made of text', (x) => (new Function('x', 'return x.mul(x.shape[2])') as Fn)(x), [2]],
    ['in a layer of the user', (x) => new Reader({}).apply(x) as tf.Tensor, [1]],
    ['by handing it on', (x) => tf.zeros(x.shape).add(x), [0, 1, 2, 3]],
  ])('%s', (_, fn, axes) => {
    const found = readsOf(fn);
    expect(found.axes).toEqual(axes);
    for (const site of found.sites) if (site !== undefined) expect(site).toMatch(/reads\.test\.ts:\d+:\d+/);
  });

  it.each<[string, Fn]>([
    ['ops', (x) => tf.relu(tf.conv2d(x, tf.ones([3, 3, 2, 4]) as tf.Tensor4D, 2, 'same')).mean([1, 2])],
    [
      'methods',
      (x) =>
        x
          .transpose([0, 3, 1, 2])
          .pad([
            [0, 0],
            [0, 0],
            [1, 1],
            [0, 0],
          ])
          .sum(),
    ],
    ['the rank, and how many sizes there are', (x) => x.mul(x.rank + x.shape.length)],
    ['the last size alone, which no dim opens', (x) => x.mul(x.shape[3]).mul(0)],
    ['moments and normalisation', (x) => tf.batchNorm(x, tf.moments(x, [0, 1, 2]).mean as tf.Tensor1D, tf.ones([2]))],
    ['gradients', (x) => tf.grad((v) => tf.relu(v).mean())(x)],
    ['layers', (x) => tf.layers.upSampling2d({ size: [2, 2] }).apply(x) as tf.Tensor],
    ['pixels in depth', (x) => tf.depthToSpace(x.concat(x, 3), 2)],
  ])('are not those of tfjs itself: %s', (name, fn) => {
    expect(readsOf(fn).axes).toEqual(name.startsWith('the last') ? [3] : []);
  });

  it('leave the fields what they were', () => {
    let seen: unknown;
    readsOf((x) => {
      seen = [
        Array.isArray(x.shape),
        x.shape.length,
        [...x.shape],
        x.shape.concat([1]),
        x.size,
        Object.keys(x).includes('shape'),
        structuredClone(x.shape),
      ];
      return x.reshape([x.shape[0], -1]);
    });
    expect(seen).toEqual([true, 4, SHAPE, [...SHAPE, 1], 3 * 29 * 45 * 2, true, SHAPE]);
  });
});
