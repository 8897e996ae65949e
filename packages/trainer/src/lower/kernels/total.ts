// Sums and means of many floats, in several short runs. onnxruntime adds numbers one after the other, so the error of a
// sum grows with its length: a million equal numbers are off by 9e-4 (stored last, eight runs side by side) or 1e-2.
import type { Value } from '@forja/core/onnx';
import { isStatic, type Size } from '../../program/program.js';
import type { LowerContext } from '../contract.js';

/** Most numbers of one run, in axes stored last and in others: then relative errors are below 4e-5. */
const LONGEST = { last: 16384, other: 4096 };

/** A size that is not known counts as that of a photo: rows and columns of a picture are then added separately. */
const UNKNOWN = 1024;

/** A reduction to be emitted: its op, and the value so far with its sizes. Positions are those of the stored order. */
interface Reduction {
  op: 'ReduceSum' | 'ReduceMean';
  value: Value;
  sizes: Size[];
  /** All axes from here on are reduced, and so are stored without gaps. */
  tail: number;
  ctx: LowerContext;
}

/**
 * ReduceSum or ReduceMean of floats over `axes`, ascending positions in the stored order; `sizes` are those of `value`.
 * Long products of axes are reduced in several steps, the last axes first, and long axes in parts. One node if all is
 * short. A single long axis of dynamic size stays one run.
 */
export function total(
  op: Reduction['op'],
  value: Value,
  sizes: readonly Size[],
  axes: readonly number[],
  keepdims: 0 | 1,
  ctx: LowerContext,
): Value {
  let tail = sizes.length;
  while (axes.includes(tail - 1)) tail--;
  const reduction: Reduction = { op, value, sizes: [...sizes], tail, ctx };
  for (const stage of stagesOf(reduction, axes)) {
    for (const axis of stage) shorten(reduction, axis);
    reduction.value = ctx.op(op, [reduction.value, ctx.int64s(stage)], { keepdims });
    for (const axis of [...stage].reverse()) reduction.sizes.splice(axis, 1, ...(keepdims ? [1] : []));
  }
  return reduction.value;
}

/** The axes to reduce together, the last ones first, so that positions of the others stay. */
function stagesOf({ sizes, tail }: Reduction, axes: readonly number[]): number[][] {
  const stages: number[][] = [];
  for (const axis of [...axes].reverse()) {
    const stage = stages.at(-1);
    if (stage !== undefined && isShort([axis, ...stage], sizes, tail)) stage.unshift(axis);
    else stages.push([axis]);
  }
  return stages;
}

/** onnxruntime adds the last axes in runs of their own if all other reduced axes are the first ones. */
function isShort(stage: readonly number[], sizes: readonly Size[], tail: number): boolean {
  const [last, other] = [stage.filter((axis) => axis >= tail), stage.filter((axis) => axis < tail)];
  const separate = last.length === 0 || other.every((axis, i) => axis === i);
  return separate && extent(last, sizes) <= LONGEST.last && extent(other, sizes) <= LONGEST.other;
}

function extent(axes: readonly number[], sizes: readonly Size[]): number {
  return axes.reduce((product, axis) => product * known(sizes[axis] ?? 1), 1);
}

const known = (size: Size): number => (isStatic(size) ? size : UNKNOWN);

/** Adds up equal parts of a fixed axis that is too long, until what is left is one run. */
function shorten(reduction: Reduction, axis: number): void {
  const { op, sizes, tail, ctx } = reduction;
  const longest = axis >= tail ? LONGEST.last : LONGEST.other;
  for (let size = sizes[axis] ?? 1; isStatic(size) && size > longest; size = sizes[axis] ?? 1) {
    const part = partOf(size);
    const parts = Math.ceil(size / part);
    const whole = parts * part === size;
    const padded = whole ? reduction.value : zerosAfter(reduction.value, axis, parts * part - size, sizes.length, ctx);
    const split = ctx.reshape(padded, [...sizes.slice(0, axis), parts, part, ...sizes.slice(axis + 1)]);
    const reduced = ctx.op(whole ? op : 'ReduceSum', [split, ctx.int64s([axis + 1])], { keepdims: 0 });
    // The mean of a part that ends in zeros is no mean of its numbers: sums are scaled, so that theirs is that of all.
    const scaled = !whole && op === 'ReduceMean';
    reduction.value = scaled ? ctx.op('Mul', [reduced, ctx.scalar(parts / size)]) : reduced;
    sizes[axis] = parts;
  }
}

/** The divisor of `size` closest to its root, if there is one between 64 and 4096, else 1024. */
function partOf(size: number): number {
  const root = Math.min(Math.round(Math.sqrt(size)), LONGEST.other);
  for (let away = 0; away <= LONGEST.other; away++) {
    const found = [root - away, root + away].find((n) => n >= 64 && n <= LONGEST.other && size % n === 0);
    if (found !== undefined) return found;
  }
  return 1024;
}

function zerosAfter(value: Value, axis: number, count: number, rank: number, ctx: LowerContext): Value {
  const pads = new Array<number>(2 * rank).fill(0);
  pads[rank + axis] = count;
  return ctx.op('Pad', [value, ctx.int64s(pads)]);
}
