// Ops that reshape, and ops that compute with shapes.
import type { Dim } from '../../tensor.js';
import { floorDivide, multiply, quotient } from './dims.js';
import { broadcast } from './elementwise.js';
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
  ranked,
  text,
  tracked,
  type InferNode,
  type Rule,
} from './fact.js';

/** The sizes in input `i`; unknown ones get new names. */
function sizesFrom(node: InferNode, i: number): readonly Dim[] {
  return input(node, i).data ?? Array.from({ length: lengthOf(node, i) }, () => node.fresh());
}

/** A target size of 0 copies the size of x unless `allowzero` is set; -1 is inferred. */
const Reshape: Rule = (node) => {
  const { dtype, shape, data } = input(node);
  lengthOf(node, 1);
  const target = sizesFrom(node, 1).map((dim, i) =>
    dim === 0 && int(node, 'allowzero', 0) === 0 ? dimOf(node, input(node), i) : dim,
  );
  const open = target.indexOf(-1);
  if (open !== -1 && target.lastIndexOf(-1) !== open) fail(node, `expected at most one -1, got [${target.join(', ')}]`);
  const others = target.filter((_, i) => i !== open);
  const [have, want] = [multiply(...shape), multiply(...others)];
  const fits =
    typeof have !== 'number' ||
    typeof want !== 'number' ||
    (open === -1 ? have === want : want > 0 && have % want === 0);
  if (!fits) fail(node, `expected a shape of ${have} elements, got [${target.join(', ')}] from [${shape.join(', ')}]`);
  const result = open === -1 ? target : target.map((dim, i) => (i === open ? quotient(shape, others) : dim));
  return [{ dtype, shape: result, data: tracked(result, data) }];
};

const Flatten: Rule = (node) => {
  const { dtype, shape } = input(node);
  const axis = int(node, 'axis', 1);
  if (axis < -shape.length || axis > shape.length)
    fail(node, `axis: expected one in [${-shape.length}, ${shape.length}], got ${axis}`);
  const at = axis < 0 ? axis + shape.length : axis;
  return [{ dtype, shape: [multiply(...shape.slice(0, at)), multiply(...shape.slice(at))] }];
};

const Squeeze: Rule = (node) => {
  const { dtype, shape, data } = input(node);
  const axes =
    axesInput(node, 1, shape.length) ??
    shape.flatMap((dim, i) =>
      dim === 1 ? [i] : typeof dim === 'number' ? [] : fail(node, 'expected axes, since some sizes are dynamic'),
    );
  for (const axis of axes)
    if (!agree(shape[axis] ?? 0, 1)) fail(node, `expected size 1 on axis ${axis}, got [${shape.join(', ')}]`);
  const result = shape.filter((_, i) => !axes.includes(i));
  return [{ dtype, shape: result, data: tracked(result, data) }];
};

const Unsqueeze: Rule = (node) => {
  const { dtype, shape, data } = input(node);
  const rank = shape.length + lengthOf(node, 1);
  const axes = axesInput(node, 1, rank) ?? [];
  if (new Set(axes).size !== axes.length) fail(node, `expected axes that differ, got [${axes.join(', ')}]`);
  const rest = [...shape];
  const result = Array.from({ length: rank }, (_, i): Dim => (axes.includes(i) ? 1 : (rest.shift() ?? 1)));
  return [{ dtype, shape: result, data: tracked(result, data) }];
};

const Transpose: Rule = (node) => {
  const { dtype, shape, data } = input(node);
  const perm = ints(node, 'perm') ?? shape.map((_, i) => shape.length - 1 - i);
  if (perm.length !== shape.length || [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i))
    fail(node, `perm: expected an order of ${shape.length} axes, got [${perm.join(', ')}]`);
  return [{ dtype, shape: perm.map((axis) => shape[axis] ?? 1), data: tracked(shape, data) }];
};

const Shape: Rule = (node) => {
  const { shape } = input(node);
  const sizes = shape.slice(int(node, 'start', 0), int(node, 'end', shape.length));
  return [{ dtype: 'int64', shape: [sizes.length], data: sizes }];
};

const Size: Rule = (node) => [{ dtype: 'int64', shape: [], data: [multiply(...input(node).shape)] }];

/** A single known int64 element is repeated in the data too. */
const Expand: Rule = (node) => {
  const { dtype, shape, data } = input(node);
  const wanted = sizesFrom(node, 1);
  const result =
    input(node, 1).data !== undefined || wanted.length < shape.length
      ? broadcast(node, shape, wanted)
      : wanted.map((dim, i) => {
          const own = shape[i - wanted.length + shape.length];
          return typeof own === 'number' && own !== 1 ? own : dim;
        });
  const [length] = result.length === 0 ? [1] : result;
  const repeated =
    dtype === 'int64' && data?.length === 1 && typeof length === 'number' && length <= 64
      ? Array.from({ length }, () => data[0] ?? 0)
      : undefined;
  return [{ dtype, shape: result, data: tracked(result, repeated) }];
};

const Tile: Rule = (node) => {
  const { dtype, shape } = input(node);
  const repeats = sizesFrom(node, 1);
  if (repeats.length !== shape.length) fail(node, `expected ${shape.length} repeats, got ${repeats.length}`);
  return [{ dtype, shape: shape.map((dim, i) => multiply(dim, repeats[i] ?? 1)) }];
};

/** Float32 zeros unless the node has a tensor `value`, whose type `factsOf` puts in place of float32. */
const ConstantOfShape: Rule = (node) => [
  { dtype: 'float32', shape: lengthOf(node, 0) === 0 ? [] : sizesFrom(node, 0) },
];

const DepthToSpace: Rule = (node) => {
  const { dtype, shape } = ranked(node, 0, 4, 4);
  const [block, [n, c, h, w]] = [int(node, 'blocksize', 1), shape as [Dim, Dim, Dim, Dim]]; // rank 4
  if (typeof c === 'number' && c % (block * block) !== 0)
    fail(node, `expected channels divisible by ${block * block}, got ${c}`);
  text(node, 'mode', 'DCR');
  return [{ dtype, shape: [n, floorDivide(c, block * block), multiply(h, block), multiply(w, block)] }];
};

const SpaceToDepth: Rule = (node) => {
  const { dtype, shape } = ranked(node, 0, 4, 4);
  const [block, [n, c, h, w]] = [int(node, 'blocksize', 1), shape as [Dim, Dim, Dim, Dim]]; // rank 4
  if ([h, w].some((size) => typeof size === 'number' && size % block !== 0))
    fail(node, `expected height and width divisible by ${block}, got [${shape.join(', ')}]`);
  return [{ dtype, shape: [n, multiply(c, block * block), floorDivide(h, block), floorDivide(w, block)] }];
};

const Trilu: Rule = (node) => [{ dtype: input(node).dtype, shape: ranked(node, 0, 2).shape }];

/** There is one sequence length per batch entry. */
const ReverseSequence: Rule = (node) => {
  const { dtype, shape } = ranked(node, 0, 2);
  const [batch, time] = [
    axisOf(node, int(node, 'batch_axis', 1), shape.length),
    axisOf(node, int(node, 'time_axis', 0), shape.length),
  ];
  if (batch === time || batch > 1 || time > 1)
    fail(node, `expected batch_axis and time_axis 0 and 1 in some order, got ${batch} and ${time}`);
  return [{ dtype, shape }];
};

/** Rules of the ops that change shapes. */
export const reshape: Record<
  | 'ConstantOfShape'
  | 'DepthToSpace'
  | 'Expand'
  | 'Flatten'
  | 'Reshape'
  | 'ReverseSequence'
  | 'Shape'
  | 'Size'
  | 'SpaceToDepth'
  | 'Squeeze'
  | 'Tile'
  | 'Transpose'
  | 'Trilu'
  | 'Unsqueeze',
  Rule
> = {
  ConstantOfShape,
  DepthToSpace,
  Expand,
  Flatten,
  Reshape,
  ReverseSequence,
  Shape,
  Size,
  SpaceToDepth,
  Squeeze,
  Tile,
  Transpose,
  Trilu,
  Unsqueeze,
};
