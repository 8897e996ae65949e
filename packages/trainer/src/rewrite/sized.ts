// Rewrites constants whose numbers depend on a dynamic size as ops: 1 / (height · width) becomes a Fill, an arithmetic
// sequence (such as coordinates) a Range with scale and offset.
import type { ConstantData, KernelCall, Program, ProgramDType, ValueId } from '../program/program.js';
import { isMeasure, isStatic, maximum, type Measure, type Size } from '../program/size.js';

/** Constants with more numbers are not tried. */
const FEW = 16;

/** Finds the size or measure that gives a number at each traced size. */
export type NumberSolver = (numbers: readonly number[]) => Size | Measure | undefined;

/**
 * Calls that compute value `id` of `program`, which has a fixed shape, from the dims: a Fill if all its numbers are
 * equal, else a Fill for each number (such as a tensor that holds a shape). Undefined if the value has more than `FEW`
 * numbers, or if one of them cannot be expressed with the dims.
 */
export function fromSizes(
  program: Program,
  id: ValueId,
  versions: readonly ConstantData[],
  solve: NumberSolver,
): KernelCall[] | undefined {
  const value = program.values[id];
  const [first] = versions;
  if (
    value === undefined ||
    first === undefined ||
    value.dtype === 'bool' ||
    !versions.every((data) => data.length === first.length && data.length <= FEW)
  )
    return undefined;
  const { dtype, shape } = value;
  const same = versions.every((data) => data.every((v) => v === data[0]));
  const numbers = Array.from({ length: same ? 1 : first.length }, (_, at) =>
    solve(versions.map((data) => data[at] ?? NaN)),
  );
  const found = numbers.filter((number) => number !== undefined && (dtype !== 'int32' || isSize(number)));
  const [only] = found;
  if (found.length < numbers.length || only === undefined) return undefined;
  if (same) return [fill(only, dtype, shape, id)];
  const own = (count: number): ValueId => program.values.push({ dtype, shape: [count] }) - 1;
  const parts = found.map((number) => fill(number as Size | Measure, dtype, [1], own(1))); // `found` has no undefined
  const row = own(found.length);
  return [
    ...parts,
    {
      kernel: 'Concat',
      inputs: { inputs: parts.flatMap(({ outputs }) => outputs) },
      attrs: { axis: 0 },
      outputs: [row],
    },
    { kernel: 'Reshape', inputs: { x: row }, attrs: { shape: [...shape] }, outputs: [id] },
  ];
}

/** A solver that uses some of the traces, and the values of a size at these traces. */
export interface RowSolver {
  solve: NumberSolver;
  evaluate: (size: Size) => readonly number[];
}

/**
 * Calls that compute value `id`, an arithmetic sequence along one dynamic dim. `within(rows)` gives a solver that uses
 * only those traces.
 */
export function fromSteps(
  program: Program,
  id: ValueId,
  versions: readonly { shape: readonly number[]; data: ConstantData }[],
  within: (rows: readonly number[]) => RowSolver,
): KernelCall[] | undefined {
  const value = program.values[id];
  const [axis, more] = (value?.shape ?? []).flatMap((size, i) => (isStatic(size) ? [] : [i]));
  if (
    value === undefined ||
    value.dtype === 'bool' ||
    axis === undefined ||
    more !== undefined ||
    !versions.every(({ shape, data }) => data.length === shape[axis])
  )
    return undefined;
  const rows = versions.map(({ data }) => ({
    first: data[0] ?? NaN,
    step: ((data[data.length - 1] ?? NaN) - (data[0] ?? NaN)) / Math.max(1, data.length - 1),
    data,
  }));
  const most = (data: ConstantData): number => Array.from<number>(data).reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  if (
    !rows.every(({ first, step, data }) =>
      data.every((v, i) => Math.abs(v - (first + i * step)) <= (value.dtype === 'int32' ? 0 : 2.4e-7 * most(data))),
    )
  )
    return undefined;
  // A sequence of one number has no step.
  const long = [...rows.keys()].filter((row) => (rows[row]?.data.length ?? 0) > 1);
  const { solve, evaluate } = within(long);
  const start = within([...rows.keys()]).solve(rows.map(({ first }) => first));
  const found = solve(long.map((row) => rows[row]?.step ?? NaN));
  if (start === undefined || found === undefined || (value.dtype === 'int32' && !(isSize(start) && isSize(found))))
    return undefined;
  const step =
    isMeasure(found) && evaluate(found.below).some((n) => n < 1) ? { ...found, below: maximum(found.below, 1) } : found;
  const count = value.shape[axis] ?? 1;
  const dtype = value.dtype;
  const own = (shape: Size[]): ValueId => program.values.push({ dtype, shape }) - 1;
  const [index, factor, spread, from, moved] = [own([count]), own([]), own([count]), own([]), own([count])];
  return [
    { kernel: 'Range', inputs: {}, attrs: { start: 0, stop: count, step: 1, dtype }, outputs: [index] },
    fill(step, dtype, [], factor),
    { kernel: 'Multiply', inputs: { a: index, b: factor }, attrs: {}, outputs: [spread] },
    fill(start, dtype, [], from),
    { kernel: 'Add', inputs: { a: spread, b: from }, attrs: {}, outputs: [moved] },
    { kernel: 'Reshape', inputs: { x: moved }, attrs: { shape: [...value.shape] }, outputs: [id] },
  ];
}

function fill(value: Size | Measure, dtype: ProgramDType, shape: readonly Size[], output: ValueId): KernelCall {
  return { kernel: 'Fill', inputs: {}, attrs: { shape: [...shape], value, dtype }, outputs: [output] };
}

function isSize(number: Size | Measure): number is Size {
  return typeof number === 'number' ? Number.isInteger(number) : 'terms' in number;
}
