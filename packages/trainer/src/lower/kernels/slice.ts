// Slices, reversals and pads, in the stored order. ONNX's Slice handles negative and out-of-range bounds as TensorFlow
// does.
import type { Value } from '@forja/core/onnx';
import { isStatic, type Size } from '../../program/program.js';
import {
  ONNX_DTYPE,
  type BoundCall,
  type KernelLowering,
  type Logical,
  type LowerContext,
  type Perm,
} from '../contract.js';
import {
  as,
  axesOf,
  identity,
  isSize,
  orderOf,
  pairsAttribute,
  physical,
  sameShape,
  sameSize,
  scalar,
  sizeAt,
  sizesAttribute,
} from './layout.js';
import { regroup } from './regroup.js';
import { dim, input, output, plus } from './spatial.js';

/** A bound beyond the end of every axis; ONNX clamps it to the size of the axis. */
const END = 2 ** 31 - 1;

/** The range that is kept of one logical axis. */
interface Cut {
  axis: number;
  begin: Size;
  end: Size;
  step: number;
}

function cut(value: Value, perm: Perm, cuts: readonly Cut[], ctx: LowerContext): Value {
  if (cuts.length === 0) return value;
  const steps = cuts.some((c) => c.step !== 1) ? [ctx.int64s(cuts.map((c) => c.step))] : [];
  return ctx.op('Slice', [
    value,
    ctx.sizes(cuts.map((c) => c.begin)),
    ctx.sizes(cuts.map((c) => c.end)),
    ctx.int64s(cuts.map((c) => perm.indexOf(c.axis))),
    ...steps,
  ]);
}

/** A list of sizes; tfjs also accepts a single number, for the first axis. */
function listed(call: BoundCall, name: string, ctx: LowerContext): Size[] {
  const value = call.attrs[name];
  return value === undefined || value === null ? [] : isSize(value) ? [value] : sizesAttribute(call, name, ctx);
}

const Slice: KernelLowering<'Slice'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  const begins = listed(call, 'begin', ctx);
  const perm = orderOf(x, ctx);
  const cuts = x.shape.flatMap((size, axis): Cut[] => {
    const [begin, taken] = [begins[axis] ?? 0, dim(y, axis)];
    if (sameSize(size, taken)) return [];
    return [{ axis, begin, end: sameSize(plus(begin, taken), size) ? END : plus(begin, taken), step: 1 }];
  });
  if (cuts.length === 0) return ctx.alias(y, x);
  return ctx.set(y, cut(ctx.get(x, perm), perm, cuts, ctx), perm);
};

/** Python's `x[begin:end:step, …, newaxis, i]`: slices first, then a reshape removes indexed axes and adds new ones. */
const StridedSlice: KernelLowering<'StridedSlice'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  const { cuts, shape } = stridedCuts(call, x, y, ctx);
  const perm = orderOf(x, ctx);
  if (sameShape(shape, y.shape)) return ctx.set(y, cut(ctx.get(x, perm), perm, cuts, ctx), perm);
  const order = regroup(shape, y.shape, perm);
  if (order === undefined) return ctx.set(y, ctx.reshape(cut(ctx.get(x), identity(x.rank), cuts, ctx), y.shape));
  return ctx.set(y, ctx.reshape(cut(ctx.get(x, perm), perm, cuts, ctx), physical(y.shape, order)), order);
};

/** The cuts of a strided slice, and the shape of x after them. Sizes of kept axes come from the output. */
function stridedCuts(call: BoundCall, x: Logical, y: Logical, ctx: LowerContext): { cuts: Cut[]; shape: Size[] } {
  const [begin, end, strides] = [
    sizesAttribute(call, 'begin', ctx),
    sizesAttribute(call, 'end', ctx),
    listed(call, 'strides', ctx),
  ];
  const bit = (mask: string, i: number): boolean => ((Number(call.attrs[mask] ?? 0) >> i) & 1) === 1;
  const entries = begin.length;
  const real = begin.filter((_, i) => !bit('newAxisMask', i) && !bit('ellipsisMask', i)).length;
  const cuts: Cut[] = [];
  const shape: Size[] = [];
  let [axis, out] = [0, 0];
  const keep = (count: number): void => {
    for (let i = 0; i < count; i++, axis++, out++) shape.push(dim(x, axis));
  };
  for (let i = 0; i < entries; i++) {
    if (bit('ellipsisMask', i)) keep(x.rank - real);
    else if (bit('newAxisMask', i)) out++;
    else {
      const step = strides[i] ?? 1;
      if (!isStatic(step)) return ctx.unsupported('a stride that depends on a dynamic dim');
      const from = sizeAt(begin, i);
      if (bit('shrinkAxisMask', i)) {
        cuts.push({ axis: axis++, begin: from, end: from === -1 ? END : plus(from, 1), step: 1 });
        shape.push(1);
      } else {
        const start = bit('beginMask', i) ? (step > 0 ? 0 : END) : from;
        const stop = bit('endMask', i) ? (step > 0 ? END : -END) : sizeAt(end, i);
        const taken = dim(y, out++);
        if (step !== 1 || !sameSize(taken, dim(x, axis))) cuts.push({ axis, begin: start, end: stop, step });
        axis++;
        shape.push(taken);
      }
    }
  }
  keep(x.rank - axis);
  return { cuts, shape };
}

/** Reads the axes backwards. */
function reversed(x: Logical, y: Logical, axes: readonly number[], ctx: LowerContext): void {
  if (axes.length === 0) return ctx.alias(y, x);
  const perm = orderOf(x, ctx);
  return ctx.set(
    y,
    cut(
      ctx.get(x, perm),
      perm,
      axes.map((axis) => ({ axis, begin: END, end: -END, step: -1 })),
      ctx,
    ),
    perm,
  );
}

const Reverse: KernelLowering<'Reverse'> = (call, ctx) => {
  const x = input(call, 'x', ctx);
  reversed(x, output(call, ctx), [...new Set(axesOf(call.attrs['dims'], x.rank, ctx))], ctx);
};

/** Reverses pictures (batch, height, width, channels) along the width. */
const FlipLeftRight: KernelLowering<'FlipLeftRight'> = (call, ctx) =>
  reversed(input(call, 'image', ctx), output(call, ctx), [2], ctx);

/** The pads input of ONNX's Pad: all starts, then all ends, in stored order. */
function padsInput(paddings: readonly (readonly [Size, Size])[], perm: Perm, ctx: LowerContext): Value {
  const pads = perm.map((axis) => paddings[axis] ?? ([0, 0] as const));
  return ctx.sizes([...pads.map(([before]) => before), ...pads.map(([, after]) => after)]);
}

const PadV2: KernelLowering<'PadV2'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  const paddings = pairsAttribute(call, 'paddings', ctx);
  if (paddings.flat().every((n) => n === 0)) return ctx.alias(y, x);
  const perm = orderOf(x, ctx);
  const dtype = ONNX_DTYPE[x.dtype];
  const fill = Number(call.attrs['constantValue'] ?? 0);
  const value = scalar(dtype === 'int32' ? Math.trunc(fill) : fill, dtype, ctx);
  return ctx.set(
    y,
    ctx.op('Pad', [ctx.get(x, perm), padsInput(paddings, perm, ctx), value], { mode: 'constant' }),
    perm,
  );
};

/**
 * 'reflect' is a mode of ONNX's Pad. 'symmetric' repeats the border rows: for one row that is the mode 'edge', for more
 * they are reversed slices.
 */
const MirrorPad: KernelLowering<'MirrorPad'> = (call, ctx) => {
  const [x, y] = [input(call, 'x', ctx), output(call, ctx)];
  const paddings = pairsAttribute(call, 'paddings', ctx);
  if (paddings.flat().every((n) => n === 0)) return ctx.alias(y, x);
  const perm = orderOf(x, ctx);
  const type = x.dtype === 'bool' ? 'int32' : ONNX_DTYPE[x.dtype];
  const value = as(ctx.get(x, perm), type, ctx);
  const small = paddings.flat().every((n) => n === 0 || n === 1);
  const padded =
    call.attrs['mode'] === 'reflect' || small
      ? ctx.op('Pad', [value, padsInput(paddings, perm, ctx)], {
          mode: call.attrs['mode'] === 'reflect' ? 'reflect' : 'edge',
        })
      : paddings.reduce((v, pads, axis) => symmetric(v, perm, axis, pads, ctx), value);
  return ctx.set(y, as(padded, ONNX_DTYPE[y.dtype], ctx), perm);
};

function symmetric(
  value: Value,
  perm: Perm,
  axis: number,
  [before, after]: readonly [Size, Size],
  ctx: LowerContext,
): Value {
  const head = before === 0 ? [] : [cut(value, perm, [{ axis, begin: plus(before, -1), end: -END, step: -1 }], ctx)];
  // The last `after` rows reversed, down to but not including index -after-1.
  const tail = after === 0 ? [] : [cut(value, perm, [{ axis, begin: END, end: plus(-1, after, -1), step: -1 }], ctx)];
  const parts = [...head, value, ...tail];
  return parts.length === 1 ? value : ctx.op('Concat', parts, { axis: perm.indexOf(axis) });
}

/** Rows of the slices and pads. */
export const sliceKernels: Record<
  'FlipLeftRight' | 'MirrorPad' | 'PadV2' | 'Reverse' | 'Slice' | 'StridedSlice',
  KernelLowering
> = {
  FlipLeftRight,
  MirrorPad,
  PadV2,
  Reverse,
  Slice,
  StridedSlice,
};
