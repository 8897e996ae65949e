// Computes symbolic output sizes of convolution and pooling with their formulas. This is exact, whereas the numbers of
// a few traces can fit several expressions.
import { filtersPictures, traitsOf } from '../kernels/traits.js';
import { ceilDivide, floorDivide, isStatic, plus, times, type Size } from '../program/size.js';
import type { KernelCall, ValueId } from '../program/program.js';
import { inputOf } from '../program/graph.js';

/**
 * The size of axis `axis` of the call's result, or undefined if that is not a spatial axis of a convolution or pool.
 * The caller checks it against the traced numbers.
 */
export function windowedSize(
  call: KernelCall | undefined,
  axis: number,
  shape: (id: ValueId) => readonly Size[],
): Size | undefined {
  if (call === undefined) return undefined;
  const pools = traitsOf(call.kernel).pool === 2;
  if (!pools && !filtersPictures(call.kernel)) return undefined;
  const i = axis - (call.attrs['dataFormat'] === 'NCHW' ? 2 : 1);
  const size = shape(inputOf(call, 'x') ?? -1)[axis];
  const kernel = pools ? numberAt(call.attrs['filterSize'], i) : shape(inputOf(call, 'filter') ?? -1)[i];
  if (i < 0 || i > 1 || size === undefined || isStatic(size) || kernel === undefined || !isStatic(kernel))
    return undefined;
  const stride = numberAt(call.attrs['strides'], i) ?? kernel;
  const { pad } = call.attrs;
  if (pad === 'same') return ceilDivide(size, stride);
  const padded = typeof pad === 'number' ? 2 * pad : Array.isArray(pad) ? pairSum(pad[axis]) : 0;
  const extent = (kernel - 1) * (numberAt(call.attrs['dilations'], i) ?? 1) + 1;
  const room = plus(size, padded - extent);
  const mode = call.attrs['dimRoundingMode'];
  if (mode === 'ceil') return plus(ceilDivide(room, stride), 1);
  // `round` rounds halves up.
  return plus(mode === 'round' ? floorDivide(plus(times(room, 2), stride), 2 * stride) : floorDivide(room, stride), 1);
}

function numberAt(value: unknown, i: number): number | undefined {
  const one: unknown = Array.isArray(value) ? value[i] : value;
  return typeof one === 'number' ? one : undefined;
}

function pairSum(value: unknown): number {
  return Array.isArray(value) ? value.reduce<number>((sum, n) => sum + Number(n), 0) : 0;
}
