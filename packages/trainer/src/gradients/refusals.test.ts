// Gradients that are not checked are refused, eagerly and traced, at the line of the op; the user's own are used.
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eagerStep } from '../compile/eager.js';
import { trace } from '../trace/trace.js';
import { withGradients } from './index.js';

const image = { name: 'x', dtype: 'float32', shape: [1, 4, 4, 2] } as const;

/** The caller's line in this file. */
function line(): number {
  const frame = (new Error().stack ?? '').split('\n')[2] ?? '';
  return Number(/:(\d+):\d+\)?$/.exec(frame)?.[1]);
}

let opLine = 0;
const UNPROVEN: Record<string, (x: tf.Tensor4D) => tf.Tensor> = {
  CropAndResize: (x) => {
    opLine = line() + 1;
    return tf.image.cropAndResize(x, [[0, 0, 1, 1]], [0], [2, 2]);
  },
  RotateWithOffset: (x) => {
    opLine = line() + 1;
    return tf.image.rotateWithOffset(x, 0.3);
  },
  Transform: (x) => {
    opLine = line() + 1;
    return tf.image.transform(x, tf.tensor2d([[1, 0, 0.2, 0, 1, 0, 0, 0]]));
  },
  Dilation2D: (x) => {
    opLine = line() + 1;
    return tf.dilation2d(x, tf.ones([2, 2, 2]) as tf.Tensor3D, 1, 'same');
  },
};

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('a gradient through a kernel that is not proven', () => {
  for (const [kernel, f] of Object.entries(UNPROVEN)) {
    const slope = (x: tf.Tensor): tf.Tensor => tf.grad((v: tf.Tensor) => tf.sum(tf.square(f(v as tf.Tensor4D))))(x);
    const refusal = (): object => ({
      code: 'gradient.unproven',
      message: expect.stringMatching(new RegExp(`refusals\\.test\\.ts:${opLine}:\\d+: .*got ${kernel}\\b`)) as string,
    });
    const caught = (run: () => unknown): unknown => {
      try {
        return run();
      } catch (error) {
        return error;
      }
    };

    it(`is refused at the line of ${kernel}, in both engines and in withGradients`, async () => {
      expect(caught(() => tf.tidy(() => withGradients(() => slope(tf.ones(image.shape.slice())))))).toMatchObject(
        refusal(),
      );
      expect(
        caught(() => trace(({ x }) => ({ y: slope(x as tf.Tensor) }), { inputs: [image], variables: 'state' })),
      ).toMatchObject(refusal());
      const step = eagerStep(({ x }) => ({ y: slope(x as tf.Tensor) }), { inputs: { x: { shape: [...image.shape] } } });
      await expect(step.run({ x: new Float32Array(32) })).rejects.toMatchObject(refusal());
    });
  }

  it('is allowed if nothing is differentiated through it', () => {
    const value = (x: tf.Tensor): tf.Tensor => tf.image.cropAndResize(x as tf.Tensor4D, [[0, 0, 1, 1]], [0], [2, 2]);
    tf.tidy(() => {
      const fixed = tf.ones([1, 4, 4, 1]);
      const slope = withGradients(() => tf.grad((x: tf.Tensor) => tf.sum(tf.mul(x, value(fixed))))(tf.ones([1])));
      expect(slope.dataSync()).toEqual(Float32Array.of(4));
    });
  });
});

describe('a gradient that the user registered', () => {
  const stock = tf.getGradient('Dilation2D');
  afterEach(() => {
    tf.unregisterGradient('CropAndResize');
    tf.unregisterGradient('Dilation2D');
    tf.registerGradient(stock);
  });

  it('is used, also in place of one that is refused', () => {
    tf.unregisterGradient('Dilation2D');
    tf.registerGradient({
      kernelName: 'CropAndResize',
      inputsToSave: ['image'],
      gradFunc: (_dy, saved) => ({ image: () => tf.fill(saved[0]?.shape ?? [], 3) }),
    });
    tf.registerGradient({
      kernelName: 'Dilation2D',
      inputsToSave: ['x'],
      gradFunc: (_dy, saved) => ({ x: () => tf.fill(saved[0]?.shape ?? [], 5) }),
    });
    tf.tidy(() => {
      const slopes = ['CropAndResize', 'Dilation2D'].map((kernel) =>
        withGradients(() =>
          tf.grad((v: tf.Tensor) => tf.sum(UNPROVEN[kernel]?.(v as tf.Tensor4D) ?? v))(tf.ones(image.shape.slice())),
        ),
      );
      expect(slopes.map((slope) => slope.dataSync()[0])).toEqual([3, 5]);
    });
  });
});
