// Shapes of picture resizing.
import type { ResizeKernel } from '../../kernels/names.js';
import type { ShapeRule } from './rule.js';
import { one, pairAttribute, quad } from './window.js';

function resize(kernel: string, dtype: 'float32' | 'kept'): ShapeRule {
  return (inputs, attrs) => {
    const images = one(inputs, 'images', kernel);
    const [batch, height, width, channels] = quad(images.shape, kernel);
    return [
      {
        shape: [batch, ...pairAttribute(attrs, 'size', [height, width]), channels],
        dtype: dtype === 'kept' ? images.dtype : dtype,
      },
    ];
  };
}

const gradient =
  (kernel: string): ShapeRule =>
  (inputs) => [{ shape: [...one(inputs, 'images', kernel).shape], dtype: 'float32' }];

/** Resizing kernels. */
export const resizeShapes: Record<ResizeKernel, ShapeRule> = {
  ResizeBilinear: resize('ResizeBilinear', 'float32'),
  ResizeNearestNeighbor: resize('ResizeNearestNeighbor', 'kept'),
  ResizeBilinearGrad: gradient('ResizeBilinearGrad'),
  ResizeNearestNeighborGrad: gradient('ResizeNearestNeighborGrad'),
};
