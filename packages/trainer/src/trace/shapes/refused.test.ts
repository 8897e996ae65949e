// Shapes found by running tfjs's own kernel on zeros, and that doing so leaves no tensors behind.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { SHAPE_RULES } from './index.js';

const float = (...shape: number[]): { shape: number[]; dtype: 'float32' } => ({ shape, dtype: 'float32' });

describe('shapes of refused kernels', () => {
  it('and of those that a rule of our own tells are those of the cpu kernel', () => {
    expect(
      SHAPE_RULES.Conv3D(
        { x: float(2, 4, 5, 6, 3), filter: float(2, 2, 2, 3, 7) },
        { strides: [1, 2, 2], pad: 'same', dataFormat: 'NDHWC', dilations: 1 },
      ),
    ).toEqual([float(2, 4, 3, 3, 7)]);
    expect(SHAPE_RULES.Multinomial({ logits: float(2, 5) }, { numSamples: 9, seed: 1, normalized: false })).toEqual([
      { shape: [2, 9], dtype: 'int32' },
    ]);
    const boxes = { image: float(1, 8, 8, 3), boxes: float(2, 4), boxInd: { shape: [2], dtype: 'int32' as const } };
    expect(SHAPE_RULES.CropAndResize(boxes, { cropSize: [4, 5], method: 'bilinear', extrapolationValue: 0 })).toEqual([
      float(2, 4, 5, 3),
    ]);
  });

  it('leave no data behind', () => {
    const backend = tf.findBackend('cpu') as unknown as { numDataIds(): number };
    const before = backend.numDataIds();
    SHAPE_RULES.Multinomial({ logits: float(2, 5) }, { numSamples: 9, seed: 1, normalized: false });
    expect(backend.numDataIds()).toBe(before);
  });

  it('are refused where they depend on the data', () => {
    expect(() => SHAPE_RULES.Unique({ x: float(5) }, { axis: 0 })).toThrow(
      'Unique: expected a result whose shape is known without the data',
    );
  });
});
