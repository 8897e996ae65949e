// Removes calls that return their input unchanged; tfjs's tape, layers and gradient functions leave many of them.
import { rowOf, type KernelRows } from '../kernels/rows.js';
import { kernelsThat, traitsOf } from '../kernels/traits.js';
import type { KernelCall, Program, ValueId } from '../program/program.js';
import { inputOf, outputOf, Rewriter, sameSizes } from '../program/graph.js';
import { uniformOf } from './uniform.js';

/** Gives what replaces a call: an existing value or another call; undefined if the call stays. */
type Rule = (call: KernelCall, on: Rewriter) => ValueId | KernelCall | undefined;

const numbers = (value: unknown): number[] => (Array.isArray(value) ? value.map(Number) : []);

/** Axes from an attribute that tfjs passes on as the caller gave it: one axis, a list, or undefined for all. */
const axesOf = (value: unknown, rank: number): number[] =>
  typeof value === 'number'
    ? [value]
    : Array.isArray(value)
      ? value.map(Number)
      : Array.from({ length: rank }, (_, i) => i);

/** The input named `name`, if the result has its type and shape. */
function unchanged(call: KernelCall, on: Rewriter, name = 'x'): ValueId | undefined {
  const [x, y] = [inputOf(call, name), outputOf(call)];
  return x !== undefined && on.dtype(x) === on.dtype(y) && sameSizes(on.shape(x), on.shape(y)) ? x : undefined;
}

/** The call that made the input `name`, if its kernel is `kernel`. */
function before(call: KernelCall, on: Rewriter, kernel: string, name = 'x'): KernelCall | undefined {
  const x = inputOf(call, name);
  const from = x === undefined ? undefined : on.producer.get(x);
  return from?.kernel === kernel ? from : undefined;
}

/** The other operand, if one operand is the neutral element `value`. `sides`: which operands may be neutral. */
function neutral(value: number, sides: readonly ('a' | 'b')[]): Rule {
  return (call, on) => {
    for (const side of sides) {
      const [id, other] = [inputOf(call, side), side === 'a' ? 'b' : 'a'];
      if (id !== undefined && uniformOf(on, id) === value) {
        const kept = unchanged(call, on, other);
        if (kept !== undefined) return kept;
      }
    }
    return undefined;
  };
}

/** A reduction over no axes, or axes of size 1, changes no number. */
const reduction: Rule = (call, on) => {
  const x = inputOf(call, 'x');
  if (x === undefined || on.dtype(x) !== on.dtype(outputOf(call))) return undefined;
  const shape = on.shape(x);
  const axes = axesOf(call.attrs[traitsOf(call.kernel).along ?? ''], shape.length);
  if (!axes.every((i) => shape.at(i) === 1)) return undefined;
  return unchanged(call, on) ?? reshaped(call, on, x);
};

/** Merges a chain of reshapes into one. */
function reshaped(call: KernelCall, on: Rewriter, x: ValueId | undefined): ValueId | KernelCall | undefined {
  const from = x === undefined ? undefined : on.producer.get(x);
  const start = from?.kernel === 'Reshape' ? inputOf(from, 'x') : x;
  const shape = [...on.shape(outputOf(call))];
  if (start === undefined) return undefined;
  return sameSizes(on.shape(start), shape)
    ? start
    : { ...call, kernel: 'Reshape', inputs: { x: start }, attrs: { shape } };
}

const sameShape: Rule = (call, on) => unchanged(call, on);

const RULES: KernelRows<Rule> = {
  Identity: (call) => inputOf(call, 'x'),
  Cast: sameShape,
  Reshape: (call, on) => unchanged(call, on) ?? reshaped(call, on, inputOf(call, 'x')),
  ExpandDims: (call, on) => reshaped(call, on, inputOf(call, 'input')),
  Transpose: (call, on) => {
    const perm = numbers(call.attrs['perm']);
    if (perm.every((axis, i) => axis === i)) return inputOf(call, 'x');
    const from = before(call, on, 'Transpose');
    const x = from === undefined ? undefined : inputOf(from, 'x');
    const first = numbers(from?.attrs['perm']);
    return x === undefined
      ? undefined
      : { ...call, inputs: { x }, attrs: { perm: perm.map((axis) => first[axis] ?? axis) } };
  },
  Tile: sameShape,
  BroadcastTo: sameShape,
  Slice: (call, on) =>
    Array.isArray(call.attrs['begin']) && call.attrs['begin'].every((b) => b === 0) ? unchanged(call, on) : undefined,
  PadV2: sameShape,
  MirrorPad: sameShape,
  Concat: (call) => {
    const ids = Object.values(call.inputs).flat();
    return ids.length === 1 ? ids[0] : undefined;
  },
  Reverse: (call, on) => {
    const x = inputOf(call, 'x');
    return x !== undefined && axesOf(call.attrs['dims'], on.shape(x).length).every((axis) => on.shape(x).at(axis) === 1)
      ? x
      : undefined;
  },
  Neg: (call, on) => {
    const from = before(call, on, 'Neg');
    return from === undefined ? undefined : inputOf(from, 'x');
  },
  Relu: (call, on) => (before(call, on, 'Relu') === undefined ? undefined : inputOf(call, 'x')),
  Add: neutral(0, ['a', 'b']),
  Sub: neutral(0, ['b']),
  Multiply: neutral(1, ['a', 'b']),
  RealDiv: neutral(1, ['b']),
  AddN: (call, on) => {
    const ids = Object.values(call.inputs).flat();
    const [a, b] = ids;
    if (ids.length === 1) return a;
    return ids.length === 2 && a !== undefined && b !== undefined && sameSizes(on.shape(a), on.shape(b))
      ? { ...call, kernel: 'Add', inputs: { a, b } }
      : undefined;
  },
  ...Object.fromEntries(kernelsThat(({ reduces }) => reduces).map((kernel) => [kernel, reduction])),
  ZerosLike: (call, on) => ({
    ...call,
    kernel: 'Fill',
    inputs: {},
    attrs: { shape: [...on.shape(outputOf(call))], value: 0, dtype: on.dtype(outputOf(call)) },
  }),
  OnesLike: (call, on) => ({
    ...call,
    kernel: 'Fill',
    inputs: {},
    attrs: { shape: [...on.shape(outputOf(call))], value: 1, dtype: on.dtype(outputOf(call)) },
  }),
};

/**
 * Removes calls that change nothing, and merges consecutive reshapes and transposes. Removing `+ 0` may turn 0 into -0.
 */
export function removeNoops(program: Program): Program {
  const rewriter = new Rewriter(program);
  return rewriter.run((call) => {
    const result = rowOf(RULES, call.kernel)?.(call, rewriter);
    if (typeof result === 'number') rewriter.replace(outputOf(call), result);
    else rewriter.emit(result ?? call);
  });
}
