// Shapes of warps, dilations and searches.
import { backend_util } from '@tensorflow/tfjs';
import type { MorphologyKernel, SearchKernel, WarpKernel } from '../../kernels/names.js';
import type { ShapeRule } from './rule.js';
import { at, numbersAttribute } from './attributes.js';
import { one, pairAttribute, quad } from './window.js';

const Dilation2D: ShapeRule<'Dilation2D'> = (inputs, attrs) => {
  const [x, filter] = [one(inputs, 'x', 'Dilation2D'), one(inputs, 'filter', 'Dilation2D')];
  const [height, width, channels] = filter.shape;
  if (filter.shape.length !== 3 || height === undefined || width === undefined || channels === undefined)
    throw new Error(`Dilation2D filter: expected rank 3, got shape [${filter.shape.join(', ')}]`);
  const info = backend_util.computeDilation2DInfo(
    quad(x.shape, 'Dilation2D'),
    [height, width, channels],
    pairAttribute(attrs, 'strides', [1, 1]),
    attrs['pad'] as 'same' | 'valid',
    'NHWC',
    pairAttribute(attrs, 'dilations', [1, 1]),
  ); // tfjs refuses an unknown pad
  return [{ shape: info.outShape, dtype: x.dtype }];
};

const like =
  (kernel: string, name: string): ShapeRule =>
  (inputs) => {
    const { shape, dtype } = one(inputs, name, kernel);
    return [{ shape: [...shape], dtype }];
  };

const CropAndResize: ShapeRule<'CropAndResize'> = (inputs, attrs) => [
  {
    shape: [
      at(one(inputs, 'boxes', 'CropAndResize').shape, 0),
      ...numbersAttribute(attrs, 'cropSize', 'CropAndResize'),
      at(one(inputs, 'image', 'CropAndResize').shape, 3),
    ],
    dtype: 'float32',
  },
];

const Transform: ShapeRule<'Transform'> = (inputs, attrs) => {
  const image = one(inputs, 'image', 'Transform');
  const [batch, height, width, channels] = quad(image.shape, 'Transform');
  return [{ shape: [batch, ...pairAttribute(attrs, 'outputShape', [height, width]), channels], dtype: image.dtype }];
};

const SearchSorted: ShapeRule<'SearchSorted'> = (inputs) => [
  { shape: [...one(inputs, 'values', 'SearchSorted').shape], dtype: 'int32' },
];

const SparseReshape: ShapeRule<'SparseReshape'> = (inputs) => {
  const [indices, shape] = [one(inputs, 'inputIndices', 'SparseReshape'), one(inputs, 'newShape', 'SparseReshape')];
  return [
    { shape: [at(indices.shape, 0), at(shape.shape, 0)], dtype: indices.dtype },
    { shape: [...shape.shape], dtype: shape.dtype },
  ];
};

/** Warps, dilations and searches. */
export const otherShapes: Record<WarpKernel | MorphologyKernel | SearchKernel, ShapeRule> = {
  CropAndResize,
  Dilation2D,
  Dilation2DBackpropFilter: like('Dilation2DBackpropFilter', 'filter'),
  Dilation2DBackpropInput: like('Dilation2DBackpropInput', 'x'),
  RotateWithOffset: like('RotateWithOffset', 'image'),
  SearchSorted,
  SparseReshape,
  Transform,
};
