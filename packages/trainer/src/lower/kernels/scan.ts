// Running sums and products along an axis.
import type { Value } from '@forja/core/onnx';
import type { SharedAttrs } from '../../kernels/attributes.js';
import { ONNX_DTYPE, type KernelLowering, type LowerContext } from '../contract.js';
import { arithmeticType, as, axisOf, orderOf, scalar } from './layout.js';
import { dim, fixed, input, output } from './spatial.js';

const Cumsum: KernelLowering<'Cumsum'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  const [axis, perm] = [axisOf(call.attrs['axis'], x.rank, ctx), orderOf(x, ctx)];
  const value = as(ctx.get(x, perm), arithmeticType(y.dtype), ctx);
  const sum = ctx.op('CumSum', [value, ctx.constant('int64', [], [perm.indexOf(axis)])], flags(call.attrs));
  ctx.set(y, as(sum, ONNX_DTYPE[y.dtype], ctx), perm);
};

function flags(attrs: SharedAttrs<'Cumsum'>): { exclusive?: 1; reverse?: 1 } {
  return {
    ...(attrs['exclusive'] === true ? { exclusive: 1 } : {}),
    ...(attrs['reverse'] === true ? { reverse: 1 } : {}),
  };
}

/**
 * ONNX has no running product, so log₂ n steps multiply each element by the one 1, 2, 4, … positions before it (Hillis
 * and Steele 1986).
 */
const Cumprod: KernelLowering<'Cumprod'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  const [axis, perm] = [axisOf(call.attrs['axis'], x.rank, ctx), orderOf(x, ctx)];
  const length = fixed(dim(x, axis), 'the axis of a running product', ctx);
  const move = { position: perm.indexOf(axis), rank: x.rank, length, reverse: call.attrs['reverse'] === true };
  let value = as(ctx.get(x, perm), arithmeticType(y.dtype), ctx);
  if (call.attrs['exclusive'] === true) value = shifted(value, 1, move, ctx);
  for (let distance = 1; distance < length; distance *= 2)
    value = ctx.op('Mul', [value, shifted(value, distance, move, ctx)]);
  ctx.set(y, as(value, ONNX_DTYPE[y.dtype], ctx), perm);
};

/** The value shifted along an axis by `distance`, filled with ones. */
function shifted(
  value: Value,
  distance: number,
  along: { position: number; rank: number; length: number; reverse: boolean },
  ctx: LowerContext,
): Value {
  const pads = new Array<number>(2 * along.rank).fill(0);
  pads[along.position + (along.reverse ? along.rank : 0)] = distance;
  const padded = ctx.op('Pad', [value, ctx.int64s(pads), scalar(1, value.dtype, ctx)], { mode: 'constant' });
  const start = along.reverse ? distance : 0;
  return ctx.op('Slice', [
    padded,
    ctx.int64s([start]),
    ctx.int64s([start + along.length]),
    ctx.int64s([along.position]),
  ]);
}

/** Lowerings of the scans, by name. */
export const scanKernels: Record<'Cumprod' | 'Cumsum', KernelLowering> = { Cumprod, Cumsum };
