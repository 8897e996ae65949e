// Shapes of pooling and its gradients.
import { backend_util } from '@tensorflow/tfjs';
import type { PoolKernel } from '../../kernels/names.js';
import type { ShapeRule } from './rule.js';
import { likeInput, one, padAttribute, pairAttribute, quad, roundingAttribute } from './window.js';

function pool(kernel: string): ShapeRule {
  return (inputs, attrs) => {
    const x = one(inputs, 'x', kernel);
    const window = pairAttribute(attrs, 'filterSize', [1, 1]);
    const info = backend_util.computePool2DInfo(
      quad(x.shape, kernel),
      window,
      pairAttribute(attrs, 'strides', window),
      1,
      padAttribute(attrs),
      roundingAttribute(attrs),
    );
    return [{ shape: info.outShape, dtype: x.dtype }];
  };
}

/** The maxima and their indices. */
const MaxPoolWithArgmax: ShapeRule<'MaxPoolWithArgmax'> = (inputs, attrs) => {
  const [{ shape, dtype } = { shape: [], dtype: 'float32' as const }] = pool('MaxPoolWithArgmax')(inputs, attrs);
  return [
    { shape, dtype },
    { shape: [...shape], dtype: 'int32' },
  ];
};

/** Pooling kernels. */
export const poolShapes: Record<PoolKernel, ShapeRule> = {
  MaxPool: pool('MaxPool'),
  AvgPool: pool('AvgPool'),
  MaxPoolGrad: likeInput('MaxPoolGrad'),
  AvgPoolGrad: likeInput('AvgPoolGrad'),
  MaxPoolWithArgmax,
};
