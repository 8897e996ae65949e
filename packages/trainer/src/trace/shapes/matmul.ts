// Shapes of matrix products.
import { backend_util } from '@tensorflow/tfjs';
import type { ProductKernel } from '../../kernels/names.js';
import type { ShapeRule, TensorMeta } from './rule.js';
import { one } from './window.js';

function product(kernel: string): ShapeRule {
  return (inputs, attrs) => {
    const [a, b] = [one(inputs, 'a', kernel), one(inputs, 'b', kernel)];
    const [rows, innerA] = ends(a.shape, attrs['transposeA'] === true, kernel);
    const [innerB, columns] = ends(b.shape, attrs['transposeB'] === true, kernel);
    if (innerA !== innerB)
      throw new Error(`${kernel}: expected equal inner sizes, got [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`);
    const batch = backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    return [{ shape: [...batch, rows, columns], dtype: a.dtype }];
  };
}

function ends(shape: readonly number[], transpose: boolean, kernel: string): [number, number] {
  const [rows, columns] = shape.slice(-2);
  if (rows === undefined || columns === undefined)
    throw new Error(`${kernel}: expected rank 2 or more, got shape [${shape.join(', ')}]`);
  return transpose ? [columns, rows] : [rows, columns];
}

const Einsum: ShapeRule<'Einsum'> = (inputs, attrs) => {
  const tensors = Object.values(inputs)
    .flat()
    .filter((t): t is TensorMeta => t !== undefined);
  const [terms = '', result = ''] = String(attrs['equation']).replaceAll(' ', '').split('->');
  const sizes = new Map<string, number>();
  terms
    .split(',')
    .forEach((term, i) => [...term].forEach((letter, axis) => sizes.set(letter, tensors[i]?.shape[axis] ?? 1)));
  return [{ shape: [...result].map((letter) => sizes.get(letter) ?? 1), dtype: tensors[0]?.dtype ?? 'float32' }];
};

/** Matrix product kernels. */
export const matmulShapes: Record<ProductKernel, ShapeRule> = {
  BatchMatMul: product('BatchMatMul'),
  _FusedMatMul: product('_FusedMatMul'),
  Einsum,
};
