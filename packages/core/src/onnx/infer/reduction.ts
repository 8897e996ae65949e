// Ops that reduce, scan or rank along axes.
import type { Dim } from '../../tensor.js';
import { add, multiply } from './dims.js';
import { axesInput, axisOf, fail, input, int, ints, numbers, type InferNode, type Rule } from './fact.js';

/** Sizes after reducing `axes`: each becomes 1 or is dropped. */
function reduced(node: InferNode, axes: readonly number[]): Dim[] {
  const keep = int(node, 'keepdims', 1) !== 0;
  return input(node).shape.flatMap((dim, i) => (axes.includes(i) ? (keep ? [1] : []) : [dim]));
}

/**
 * The axes are an input or, before opset 18, an attribute. Without axes, all are reduced, or none if
 * `noop_with_empty_axes` is set.
 */
const reduce =
  (data?: (...dims: Dim[]) => Dim): Rule =>
  (node) => {
    const x = input(node);
    const rank = x.shape.length;
    const axes = axesInput(node, 1, rank) ?? ints(node, 'axes')?.map((axis) => axisOf(node, axis, rank));
    const all = axes === undefined || axes.length === 0;
    const shape =
      all && int(node, 'noop_with_empty_axes', 0) !== 0
        ? x.shape
        : reduced(node, all ? x.shape.map((_, i) => i) : axes);
    const known = x.dtype === 'int64' && rank === 1 && shape !== x.shape ? x.data : undefined;
    return [{ dtype: x.dtype, shape, data: data && known ? [data(...known)] : undefined }];
  };

const arg: Rule = (node) => {
  const axis = axisOf(node, int(node, 'axis', 0), input(node).shape.length);
  return [{ dtype: 'int64', shape: reduced(node, [axis]) }];
};

const CumSum: Rule = (node) => {
  const { dtype, shape } = input(node);
  const axis = numbers(node, 1)?.[0];
  if (axis !== undefined) axisOf(node, axis, shape.length);
  return [{ dtype, shape }];
};

const TopK: Rule = (node) => {
  const { dtype, shape } = input(node);
  const axis = axisOf(node, int(node, 'axis', -1), shape.length);
  const k = input(node, 1).data?.[0] ?? node.fresh();
  const dim = shape[axis];
  if (typeof k === 'number' && typeof dim === 'number' && (k > dim || k < 0))
    fail(node, `expected k in [0, ${dim}], got ${k}`);
  const sizes = shape.map((size, i) => (i === axis ? k : size));
  return [
    { dtype, shape: sizes },
    { dtype: 'int64', shape: sizes },
  ];
};

/** Rules of the reductions. */
export const reduction: Record<
  | 'ArgMax'
  | 'ArgMin'
  | 'CumSum'
  | 'ReduceL2'
  | 'ReduceLogSumExp'
  | 'ReduceMax'
  | 'ReduceMean'
  | 'ReduceMin'
  | 'ReduceProd'
  | 'ReduceSum'
  | 'ReduceSumSquare'
  | 'TopK',
  Rule
> = {
  ArgMax: arg,
  ArgMin: arg,
  CumSum,
  ReduceL2: reduce(),
  ReduceLogSumExp: reduce(),
  ReduceMax: reduce(),
  ReduceMean: reduce(),
  ReduceMin: reduce(),
  ReduceProd: reduce(multiply),
  ReduceSum: reduce(add),
  ReduceSumSquare: reduce(),
  TopK,
};
