// Checks a program with named dims against a trace at one more size: shapes, attributes, and the constants that the
// program computes.
import { callInputs, sameData, type Program, type ValueId } from '../program/program.js';
import { attributeKey } from '../program/attribute-key.js';
import { alignable } from './rows.js';
import { replay } from '../program/replay.js';
import { concrete, evaluate, specialize } from '../program/sizes.js';

/**
 * Whether the aligned program, at `sizes`, has the shapes, attributes and constants of the trace; undefined if the
 * trace makes other calls.
 */
export function sameAt(
  program: Program,
  traced: Program,
  sizes: Readonly<Record<string, number>>,
): boolean | undefined {
  const twin = alignable(traced);
  // Alignment may have prepended calls that compute constants of the trace.
  const leading = program.calls.slice(0, Math.max(0, program.calls.length - twin.calls.length));
  const calls = program.calls.slice(leading.length);
  if (
    calls.length !== twin.calls.length ||
    !calls.every(
      (call, i) => call.kernel === twin.calls[i]?.kernel && String(call.outputs) === String(twin.calls[i]?.outputs),
    )
  )
    return undefined;
  return (
    calls.every(
      (call, i) =>
        Object.entries(call.attrs).every(([name, value]) =>
          sameAttribute(concrete(value, sizes), twin.calls[i]?.attrs[name]),
        ) &&
        call.outputs.every((id) =>
          (program.values[id]?.shape ?? []).every(
            (size, axis) => evaluate(size, sizes) === twin.values[id]?.shape[axis],
          ),
        ),
    ) && sameConstants({ ...program, calls: leading }, twin, sizes)
  );
}

/**
 * Equality, with float32 precision for fractions: the function computes such a number in another way than a measure
 * does.
 */
function sameAttribute(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((one, i) => sameAttribute(one, b[i]));
  return typeof a === 'number' && typeof b === 'number' && Number.isFinite(a) && !Number.isInteger(a)
    ? Math.abs(a - b) <= 1.2e-7 * Math.abs(b)
    : attributeKey(a) === attributeKey(b);
}

function sameConstants(made: Program, twin: Program, sizes: Readonly<Record<string, number>>): boolean {
  // Ids beyond the trace's own values are constants that alignment added.
  for (const [id, data] of made.constants) {
    const own = twin.constants.get(id);
    if (own !== undefined && id < twin.values.length && !sameData(data, own)) return false;
  }
  const read = new Set<ValueId>(made.calls.flatMap(callInputs));
  const ids = made.calls.flatMap((call) => call.outputs).filter((id) => twin.constants.has(id));
  if (ids.length === 0) return true;
  const constants = new Map([...made.constants].filter(([id]) => read.has(id)));
  const results = replay(
    specialize(
      { ...made, inputs: [], constants, outputs: ids.map((value) => ({ name: String(value), value })) },
      sizes,
    ),
    {},
    { backend: 'cpu' },
  );
  return ids.every((id) => {
    const [mine, theirs] = [results[String(id)], twin.constants.get(id)];
    if (mine === undefined || theirs === undefined || String(mine.shape) !== String(twin.values[id]?.shape))
      return false;
    return nearlyEqual(mine.data, theirs);
  });
}

/**
 * Equal to float32 precision relative to the largest finite number. Plain loops, as tables have millions of numbers.
 */
function nearlyEqual(mine: ArrayLike<number>, theirs: ArrayLike<number>): boolean {
  let scale = 0;
  for (let i = 0; i < theirs.length; i++) {
    const size = Math.abs(theirs[i] ?? NaN);
    if (Number.isFinite(size)) scale = Math.max(scale, size);
  }
  for (let i = 0; i < mine.length; i++)
    if (!Object.is(mine[i], theirs[i]) && !(Math.abs((mine[i] ?? NaN) - (theirs[i] ?? NaN)) <= 4e-7 * scale))
      return false;
  return true;
}
