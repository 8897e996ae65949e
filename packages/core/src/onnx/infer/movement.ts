// Ops that join, cut, pad, gather and scatter elements.
import type { Dim } from '../../tensor.js';
import { add, ceilDivide, floorDivide, multiply, scale, subtract } from './dims.js';
import {
  agree,
  axesInput,
  axisOf,
  dimOf,
  fail,
  input,
  int,
  ints,
  lengthOf,
  numbers,
  oneType,
  ranked,
  tracked,
  type Rule,
} from './fact.js';

const Concat: Rule = (node) => {
  const parts = node.inputs.map((_, i) => input(node, i));
  const first = parts[0] ?? fail(node, 'expected inputs, got none');
  const axis = axisOf(node, int(node, 'axis', 0), first.shape.length);
  const shape = first.shape.map((dim, i) => {
    if (
      parts.some((part) => part.shape.length !== first.shape.length || (i !== axis && !agree(part.shape[i] ?? 0, dim)))
    ) {
      fail(
        node,
        `expected shapes that differ on axis ${axis} only, got ` +
          `${parts.map((part) => `[${part.shape.join(', ')}]`).join(' and ')}`,
      );
    }
    return i === axis
      ? add(...parts.map((part) => part.shape[i] ?? 0))
      : (parts.map((part) => part.shape[i]).find((d) => typeof d === 'number') ?? dim);
  });
  // The elements are known only if those of all parts are.
  const data = parts.every((part) => part.data !== undefined) ? parts.flatMap((part) => part.data ?? []) : undefined;
  return [{ dtype: oneType(node), shape, data: tracked(shape, data) }];
};

const Split: Rule = (node) => {
  const { dtype, shape } = input(node);
  const axis = axisOf(node, int(node, 'axis', 0), shape.length);
  const dim = dimOf(node, input(node), axis);
  const given = node.inputs[1]?.data;
  if (node.inputs[1] !== undefined && lengthOf(node, 1) !== node.outputs)
    fail(node, `expected ${node.outputs} sizes, got ${lengthOf(node, 1)}`);
  if (given !== undefined && !agree(add(...given), dim))
    fail(node, `expected sizes that add up to ${dim}, got [${given.join(', ')}]`);
  // Without sizes: equal pieces, the last one smaller.
  const chunk = ceilDivide(dim, node.outputs);
  const even = Array.from({ length: node.outputs }, (_, i) =>
    i < node.outputs - 1 ? chunk : subtract(dim, multiply(chunk, node.outputs - 1)),
  );
  const sizes = node.inputs[1] === undefined ? even : (given ?? even.map(() => node.fresh()));
  return sizes.map((size) => ({ dtype, shape: shape.map((d, i) => (i === axis ? size : d)) }));
};

/** Numbers at and above which an end means "to the end". */
const FAR = 2 ** 31 - 1;

/** Length of `dim[start:end:step]`, as in Python. Undefined if unknown. */
function sliced(dim: Dim, start: Dim, end: Dim, step: number): Dim | undefined {
  if (typeof dim === 'number' && typeof start === 'number' && typeof end === 'number') {
    const clamp = (at: number): number =>
      Math.min(Math.max(at < 0 ? at + dim : at, step > 0 ? 0 : -1), step > 0 ? dim : dim - 1);
    return Math.max(0, Math.ceil((clamp(end) - clamp(start)) / step));
  }
  const place = (at: Dim, limit: Dim): Dim =>
    typeof at === 'number' ? (at >= FAR ? limit : at < 0 ? (at <= -FAR ? 0 : add(dim, at)) : at) : at;
  if (step > 0) {
    const [from, to] = [place(start, dim), place(end, dim)];
    // A fixed end may lie beyond a dynamic size, and would then be clamped.
    if (typeof to === 'number' && typeof dim === 'string') return undefined;
    return ceilDivide(subtract(to, from), step);
  }
  const last = subtract(dim, 1);
  const from = place(start, last);
  const to = typeof end === 'number' && end <= -FAR ? -1 : place(end, last);
  if (typeof from === 'number' && typeof dim === 'string') return undefined;
  return floorDivide(add(subtract(from, to), -step - 1), -step);
}

const Slice: Rule = (node) => {
  const { dtype, shape, data } = input(node);
  const count = lengthOf(node, 1);
  const axes = axesInput(node, 3, shape.length) ?? Array.from({ length: count }, (_, i) => i);
  const [starts, ends] = [input(node, 1).data, input(node, 2).data];
  const steps = node.inputs[4] === undefined ? axes.map(() => 1) : numbers(node, 4);
  if (axes.length !== count || lengthOf(node, 2) !== count)
    fail(node, `expected starts, ends and axes of one length, got ${count}, ${lengthOf(node, 2)} and ${axes.length}`);
  if (steps?.includes(0)) fail(node, 'expected steps other than 0');
  const result = shape.map((dim, i) => {
    const at = axes.indexOf(i);
    if (at === -1) return dim;
    const [start, end, step] = [starts?.[at], ends?.[at], steps?.[at]];
    return (
      (start !== undefined && end !== undefined && step !== undefined ? sliced(dim, start, end, step) : undefined) ??
      node.fresh()
    );
  });
  const [start, end, step] = [numbers(node, 1)?.[0], numbers(node, 2)?.[0], steps?.[0]];
  const cut =
    data !== undefined && step === 1 && start !== undefined && end !== undefined ? data.slice(start, end) : undefined;
  return [{ dtype, shape: result, data: tracked(shape, cut) }];
};

const Gather: Rule = (node) => {
  const [x, indices] = [input(node), input(node, 1)];
  const axis = axisOf(node, int(node, 'axis', 0), x.shape.length);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const at = numbers(node, 1);
  const picked =
    x.shape.length === 1 && at !== undefined
      ? at.map((i) => x.data?.[i < 0 ? i + (x.data?.length ?? 0) : i])
      : undefined;
  return [{ dtype: x.dtype, shape, data: picked?.every((d) => d !== undefined) ? tracked(shape, picked) : undefined }];
};

const GatherElements: Rule = (node) => {
  const [x, indices] = [ranked(node, 0, 1), input(node, 1)];
  axisOf(node, int(node, 'axis', 0), x.shape.length);
  if (indices.shape.length !== x.shape.length)
    fail(node, `input 1: expected rank ${x.shape.length}, got [${indices.shape.join(', ')}]`);
  return [{ dtype: x.dtype, shape: indices.shape }];
};

/** The size of the indices' last axis is the number of axes they index. */
const GatherND: Rule = (node) => {
  const [x, indices] = [ranked(node, 0, 1), ranked(node, 1, 1)];
  const batch = int(node, 'batch_dims', 0);
  const depth = indices.shape.at(-1);
  if (typeof depth !== 'number')
    fail(node, `input 1: expected a last axis of fixed size, got [${indices.shape.join(', ')}]`);
  if (batch + depth > x.shape.length)
    fail(node, `input 1: expected indices of at most ${x.shape.length - batch} axes, got ${depth}`);
  return [{ dtype: x.dtype, shape: [...indices.shape.slice(0, -1), ...x.shape.slice(batch + depth)] }];
};

/** Type and shape are those of x. */
const scatter: Rule = (node) => [{ dtype: oneType(node, [0, 2]), shape: input(node).shape }];

const OneHot: Rule = (node) => {
  const [indices, values] = [ranked(node, 0, 1), ranked(node, 2, 1, 1)];
  const axis = axisOf(node, int(node, 'axis', -1), indices.shape.length + 1);
  const depth = input(node, 1).data?.[0] ?? node.fresh();
  return [{ dtype: values.dtype, shape: [...indices.shape.slice(0, axis), depth, ...indices.shape.slice(axis)] }];
};

/** The pads are those at the starts of `axes` (default: of every axis), then those at the ends. */
const Pad: Rule = (node) => {
  const { dtype, shape } = input(node);
  if (node.inputs[2] !== undefined) oneType(node, [0, 2]);
  const axes = axesInput(node, 3, shape.length) ?? shape.map((_, i) => i);
  if (lengthOf(node, 1) !== 2 * axes.length)
    fail(node, `input 1: expected ${2 * axes.length} pads, got ${lengthOf(node, 1)}`);
  const pads = input(node, 1).data;
  return [
    {
      dtype,
      shape: shape.map((dim, i) => {
        const at = axes.indexOf(i);
        return at === -1
          ? dim
          : pads === undefined
            ? node.fresh()
            : add(dim, pads[at] ?? 0, pads[at + axes.length] ?? 0);
      }),
    },
  ];
};

const Range: Rule = (node) => {
  const dtype = oneType(node);
  const [start, limit, delta] = [0, 1, 2].map((i) => input(node, i).data?.[0]);
  if (delta === 0) fail(node, 'input 2: expected a step other than 0');
  if (start === undefined || limit === undefined || typeof delta !== 'number')
    return [{ dtype, shape: [node.fresh()] }];
  if (typeof start === 'number' && typeof limit === 'number') {
    const length = Math.max(0, Math.ceil((limit - start) / delta));
    const data =
      Number.isInteger(start) && length <= 64 ? Array.from({ length }, (_, i) => start + i * delta) : undefined;
    return [{ dtype, shape: [length], data: dtype === 'int64' ? data : undefined }];
  }
  return [
    { dtype, shape: [delta > 0 && Number.isInteger(delta) ? ceilDivide(subtract(limit, start), delta) : node.fresh()] },
  ];
};

/**
 * Exactly one of `sizes` and `scales` is given. A size times a scale is rounded down, in float32, in which scales are
 * stored.
 */
const Resize: Rule = (node) => {
  const { dtype, shape } = input(node);
  const axes = ints(node, 'axes')?.map((axis) => axisOf(node, axis, shape.length)) ?? shape.map((_, i) => i);
  const by = (i: number): readonly Dim[] | undefined => {
    if (node.inputs[i] === undefined) return undefined;
    if (lengthOf(node, i) !== axes.length)
      fail(node, `input ${i}: expected ${axes.length} elements, got ${lengthOf(node, i)}`);
    return node.inputs[i]?.data ?? axes.map(() => node.fresh());
  };
  const [scales, sizes] = [by(2), by(3)];
  if ((scales === undefined) === (sizes === undefined)) fail(node, 'expected either scales or sizes');
  return [
    {
      dtype,
      shape: shape.map((dim, i) => {
        const at = axes.indexOf(i);
        const factor = scales?.[at];
        return at === -1 ? dim : (sizes?.[at] ?? (typeof factor === 'number' ? scale(dim, factor) : (factor ?? dim)));
      }),
    },
  ];
};

/** Rules of the ops that move elements. */
export const movement: Record<
  | 'Concat'
  | 'Gather'
  | 'GatherElements'
  | 'GatherND'
  | 'OneHot'
  | 'Pad'
  | 'Range'
  | 'Resize'
  | 'ScatterElements'
  | 'ScatterND'
  | 'Slice'
  | 'Split',
  Rule
> = {
  Concat,
  Gather,
  GatherElements,
  GatherND,
  OneHot,
  Pad,
  Range,
  Resize,
  ScatterElements: scatter,
  ScatterND: scatter,
  Slice,
  Split,
};
