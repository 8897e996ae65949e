// Shapes of kernels that only move, copy or place elements.
import { backend_util, slice_util, util } from '@tensorflow/tfjs';
import {
  at,
  axisAttribute,
  dtypeAttribute,
  numberAttribute,
  numbersAttribute,
  pairsAttribute,
  tensorList,
} from './attributes.js';
import type { MovementKernel } from '../../kernels/names.js';
import type { ShapeRule, TensorMeta } from './rule.js';
import { one, quad, shapeAttribute } from './window.js';

const of = (x: TensorMeta, shape: number[]): TensorMeta[] => [{ shape, dtype: x.dtype }];

const Reshape: ShapeRule<'Reshape'> = (inputs, attrs) => {
  const x = one(inputs, 'x', 'Reshape');
  const size = util.sizeFromShape(x.shape);
  const shape = util.inferFromImplicitShape(shapeAttribute(attrs, 'shape', 'Reshape'), size);
  if (util.sizeFromShape(shape) !== size)
    throw new Error(`Reshape: expected a shape of ${size} elements, got [${shape.join(', ')}]`);
  return of(x, shape);
};

const ExpandDims: ShapeRule<'ExpandDims'> = (inputs, attrs) => {
  const x = one(inputs, 'input', 'ExpandDims');
  const dim = numberAttribute(attrs, 'dim', 'ExpandDims');
  const shape = [...x.shape];
  shape.splice(dim < 0 ? x.shape.length + dim + 1 : dim, 0, 1);
  return of(x, shape);
};

const Transpose: ShapeRule<'Transpose'> = (inputs, attrs) => {
  const x = one(inputs, 'x', 'Transpose');
  return of(
    x,
    numbersAttribute(attrs, 'perm', 'Transpose').map((axis) => at(x.shape, axis)),
  );
};

const Slice: ShapeRule<'Slice'> = (inputs, attrs) => {
  const x = one(inputs, 'x', 'Slice');
  const plain = (name: 'begin' | 'size'): number | number[] =>
    typeof attrs[name] === 'number' ? attrs[name] : numbersAttribute(attrs, name, 'Slice');
  const [begin = [], size = []] = slice_util.parseSliceParams(
    info(x),
    plain('begin'),
    attrs['size'] === undefined || attrs['size'] === null ? [] : plain('size'),
  );
  slice_util.assertParamsValid(info(x), begin, size);
  return of(x, size);
};

const StridedSlice: ShapeRule<'StridedSlice'> = (inputs, attrs) => {
  const x = one(inputs, 'x', 'StridedSlice');
  const [begin, end, strides] = (['begin', 'end', 'strides'] as const).map((name) =>
    numbersAttribute(attrs, name, 'StridedSlice'),
  );
  const [beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask] = (
    ['beginMask', 'endMask', 'ellipsisMask', 'newAxisMask', 'shrinkAxisMask'] as const
  ).map((name) => Number(attrs[name] ?? 0));
  return of(
    x,
    slice_util.sliceInfo(
      x.shape,
      begin ?? [],
      end ?? [],
      strides ?? [],
      beginMask ?? 0,
      endMask ?? 0,
      ellipsisMask ?? 0,
      newAxisMask ?? 0,
      shrinkAxisMask ?? 0,
    ).finalShape,
  );
};

const Concat: ShapeRule<'Concat'> = (inputs, attrs) => {
  const tensors = tensorList(inputs, 'Concat');
  const axis = axisAttribute(attrs['axis'], tensors[0].shape, 'Concat');
  const shapes = tensors.map((t) => t.shape);
  backend_util.assertParamsConsistent(shapes, axis);
  return of(tensors[0], backend_util.computeOutShape(shapes, axis));
};

const SplitV: ShapeRule<'SplitV'> = (inputs, attrs) => {
  const x = one(inputs, 'x', 'SplitV');
  const axis = axisAttribute(attrs['axis'], x.shape, 'SplitV');
  const splits =
    typeof attrs['numOrSizeSplits'] === 'number'
      ? attrs['numOrSizeSplits']
      : numbersAttribute(attrs, 'numOrSizeSplits', 'SplitV');
  return backend_util
    .prepareSplitSize(info(x), splits, axis)
    .map((size) => ({ shape: x.shape.map((s, i) => (i === axis ? size : s)), dtype: x.dtype }));
};

function pad(kernel: string): ShapeRule {
  return (inputs, attrs) => {
    const x = one(inputs, 'x', kernel);
    return of(
      x,
      pairsAttribute(attrs, 'paddings', kernel).map(([before, after], i) => before + at(x.shape, i) + after),
    );
  };
}

const Tile: ShapeRule<'Tile'> = (inputs, attrs) => {
  const x = one(inputs, 'x', 'Tile');
  const reps = numbersAttribute(attrs, 'reps', 'Tile');
  return of(
    x,
    x.shape.map((size, i) => size * at(reps, i)),
  );
};

const Pack: ShapeRule<'Pack'> = (inputs, attrs) => {
  const tensors = tensorList(inputs, 'Pack');
  const [first] = tensors;
  for (const t of tensors) util.assertShapesMatch(first.shape, t.shape, 'Pack: expected tensors of equal shape ');
  const axis = numberAttribute(attrs, 'axis', 'Pack');
  const shape = [...first.shape];
  shape.splice(axis < 0 ? first.shape.length + axis + 1 : axis, 0, tensors.length);
  return of(first, shape);
};

const Unpack: ShapeRule<'Unpack'> = (inputs, attrs) => {
  const value = one(inputs, 'value', 'Unpack');
  const axis = axisAttribute(attrs['axis'], value.shape, 'Unpack');
  return Array.from({ length: at(value.shape, axis) }, () => ({
    shape: value.shape.filter((_, i) => i !== axis),
    dtype: value.dtype,
  }));
};

const GatherV2: ShapeRule<'GatherV2'> = (inputs, attrs) => {
  const [x, indices] = [one(inputs, 'x', 'GatherV2'), one(inputs, 'indices', 'GatherV2')];
  const batchDims = typeof attrs['batchDims'] === 'number' ? attrs['batchDims'] : 0;
  return of(
    x,
    backend_util.segment_util.collectGatherOpShapeInfo(
      info(x),
      info(indices),
      axisAttribute(attrs['axis'], x.shape, 'GatherV2'),
      batchDims,
    ).outputShape,
  );
};

const GatherNd: ShapeRule<'GatherNd'> = (inputs) => {
  const [params, indices] = [one(inputs, 'params', 'GatherNd'), one(inputs, 'indices', 'GatherNd')];
  const [shape] = backend_util.prepareAndValidate(info(params), info(indices));
  return of(params, shape);
};

const ScatterNd: ShapeRule<'ScatterNd'> = (inputs, attrs) =>
  of(one(inputs, 'updates', 'ScatterNd'), shapeAttribute(attrs, 'shape', 'ScatterNd'));

const TensorScatterUpdate: ShapeRule<'TensorScatterUpdate'> = (inputs) =>
  of(one(inputs, 'updates', 'TensorScatterUpdate'), [...one(inputs, 'tensor', 'TensorScatterUpdate').shape]);

const SparseToDense: ShapeRule<'SparseToDense'> = (inputs, attrs) =>
  of(one(inputs, 'sparseValues', 'SparseToDense'), shapeAttribute(attrs, 'outputShape', 'SparseToDense'));

const OneHot: ShapeRule<'OneHot'> = (inputs, attrs) => [
  {
    shape: [...one(inputs, 'indices', 'OneHot').shape, numberAttribute(attrs, 'depth', 'OneHot')],
    dtype: dtypeAttribute(attrs['dtype'] ?? 'int32', 'OneHot'),
  },
];

const like =
  (kernel: string, input: string): ShapeRule =>
  (inputs) => {
    const x = one(inputs, input, kernel);
    return of(x, [...x.shape]);
  };

const Diag: ShapeRule<'Diag'> = (inputs) => {
  const x = one(inputs, 'x', 'Diag');
  return of(x, [...x.shape, ...x.shape]);
};

const BroadcastTo: ShapeRule<'BroadcastTo'> = (inputs, attrs) =>
  of(one(inputs, 'x', 'BroadcastTo'), shapeAttribute(attrs, 'shape', 'BroadcastTo'));

const BroadcastArgs: ShapeRule<'BroadcastArgs'> = (inputs) => [
  {
    shape: [Math.max(at(one(inputs, 's0', 'BroadcastArgs').shape, 0), at(one(inputs, 's1', 'BroadcastArgs').shape, 0))],
    dtype: 'int32',
  },
];

const DepthToSpace: ShapeRule<'DepthToSpace'> = (inputs, attrs) => {
  const x = one(inputs, 'x', 'DepthToSpace');
  const block = numberAttribute(attrs, 'blockSize', 'DepthToSpace');
  const [n, a, b, c] = quad(x.shape, 'DepthToSpace');
  return of(
    x,
    attrs['dataFormat'] === 'NCHW'
      ? [n, a / block ** 2, b * block, c * block]
      : [n, a * block, b * block, c / block ** 2],
  );
};

const SpaceToBatchND: ShapeRule<'SpaceToBatchND'> = (inputs, attrs) => {
  const x = one(inputs, 'x', 'SpaceToBatchND');
  const blocks = numbersAttribute(attrs, 'blockShape', 'SpaceToBatchND');
  const paddings: [number, number][] = [[0, 0], ...pairsAttribute(attrs, 'paddings', 'SpaceToBatchND')];
  const padded = x.shape.map((size, i) => size + (paddings[i]?.[0] ?? 0) + (paddings[i]?.[1] ?? 0));
  return of(x, backend_util.getReshapedPermuted(padded, blocks, util.sizeFromShape(blocks), false));
};

const BatchToSpaceND: ShapeRule<'BatchToSpaceND'> = (inputs, attrs) => {
  const x = one(inputs, 'x', 'BatchToSpaceND');
  const blocks = numbersAttribute(attrs, 'blockShape', 'BatchToSpaceND');
  const crops = pairsAttribute(attrs, 'crops', 'BatchToSpaceND');
  return of(
    x,
    backend_util
      .getReshapedPermuted(x.shape, blocks, util.sizeFromShape(blocks))
      .map((size, i) => size - (crops[i - 1]?.[0] ?? 0) - (crops[i - 1]?.[1] ?? 0)),
  );
};

type SliceInput = Parameters<typeof slice_util.parseSliceParams>[0];

/** tfjs's shape helpers ask for a tensor but read its shape, rank and type only. */
function info(x: TensorMeta): SliceInput {
  return { shape: x.shape, rank: x.shape.length, dtype: x.dtype, dataId: {} } as unknown as SliceInput;
}

/** Movement kernels. */
export const movementShapes: Record<MovementKernel, ShapeRule> = {
  BatchToSpaceND,
  BroadcastArgs,
  BroadcastTo,
  Concat,
  DepthToSpace,
  Diag,
  ExpandDims,
  FlipLeftRight: like('FlipLeftRight', 'image'),
  GatherNd,
  GatherV2,
  MirrorPad: pad('MirrorPad'),
  OneHot,
  Pack,
  PadV2: pad('PadV2'),
  Reshape,
  Reverse: like('Reverse', 'x'),
  ScatterNd,
  Slice,
  SpaceToBatchND,
  SparseToDense,
  SplitV,
  StridedSlice,
  TensorScatterUpdate,
  Tile,
  Transpose,
  Unpack,
};
