// Element-wise ops: a single input gives its shape to the output, several inputs broadcast. Integer arithmetic on sizes
// is evaluated (shape computations of dynamic graphs).
import type { DType, Dim } from '../../tensor.js';
import { DATA_TYPE } from '../ir.js';
import { add, extreme, floorDivide, multiply, subtract } from './dims.js';
import { fail, input, int, oneType, tracked, type Fact, type InferNode, type Rule } from './fact.js';

const NAME_OF: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(DATA_TYPE).map(([name, code]) => [code, name]),
);
const CARRIED: ReadonlySet<string> = new Set<DType>(['float32', 'float16', 'int32', 'int64', 'uint8', 'int8', 'bool']);

/** Whether elements of this type are evaluated. */
const counts = (dtype: DType): boolean => dtype === 'int64' || dtype === 'int32';

/** Type and shape of the first input. */
export const same: Rule = (node) => [{ dtype: input(node).dtype, shape: input(node).shape }];

/** The first input's shape, as bool. */
const test: Rule = (node) => [{ dtype: 'bool', shape: input(node).shape }];

/** The first input's type and shape, with its data mapped. */
const mapped =
  (map: (dim: Dim) => Dim | undefined): Rule =>
  (node) => {
    const { dtype, shape, data } = input(node);
    const results = counts(dtype) ? data?.map(map) : undefined;
    return [{ dtype, shape, data: results?.every((r) => r !== undefined) ? results : undefined }];
  };

/** Multidirectional broadcasting. Two different names of sizes give a new name, because either size may be 1. */
export function broadcast(node: InferNode, ...shapes: readonly (readonly Dim[])[]): Dim[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let result: Dim = 1;
    for (const shape of shapes) {
      const dim = shape[axis - rank + shape.length] ?? 1;
      if (dim === 1 || dim === result) continue;
      if (result === 1 || (typeof result === 'string' && typeof dim === 'number')) result = dim;
      else if (typeof dim === 'string') result = typeof result === 'number' ? result : node.fresh();
      else fail(node, `expected shapes that broadcast, got ${shapes.map((s) => `[${s.join(', ')}]`).join(' and ')}`);
    }
    return result;
  });
}

type Arithmetic = (a: Dim, b: Dim) => Dim | undefined;

/** The elements of the result; an input of a single element is repeated. */
function computed(facts: readonly Fact[], shape: readonly Dim[], arithmetic: Arithmetic): readonly Dim[] | undefined {
  const length = shape.length === 0 ? 1 : shape[0];
  if (shape.length > 1 || typeof length !== 'number') return undefined;
  let results: Dim[] | undefined;
  for (const { dtype, data } of facts) {
    if (!counts(dtype) || data === undefined || (data.length !== length && data.length !== 1)) return undefined;
    const values = Array.from({ length }, (_, i) => (data.length === 1 ? data[0] : data[i]) ?? 0);
    const next = results === undefined ? values : results.map((a, i) => arithmetic(a, values[i] ?? 0));
    if (!next.every((d) => d !== undefined)) return undefined;
    results = next;
  }
  return tracked(shape, results);
}

/** Inputs of one type, broadcast. */
const pair =
  (arithmetic?: Arithmetic): Rule =>
  (node) => {
    const facts = node.inputs.filter((fact) => fact !== undefined);
    const shape = broadcast(node, ...facts.map((fact) => fact.shape));
    return [{ dtype: oneType(node), shape, data: arithmetic && computed(facts, shape, arithmetic) }];
  };

const compare =
  (arithmetic?: Arithmetic): Rule =>
  (node) => {
    const [{ shape, data }] = pair(arithmetic)(node) as [Fact]; // one output
    return [{ dtype: 'bool', shape, data }];
  };

const logic: Rule = (node) =>
  oneType(node) === 'bool' ? pair()(node) : fail(node, `expected bool, got ${oneType(node)}`);

const divide: Arithmetic = (a, b) => {
  if (typeof b !== 'number' || b === 0) return undefined;
  // Integers are divided towards zero.
  return typeof a === 'number' ? Math.trunc(a / b) : b > 0 ? floorDivide(a, b) : undefined;
};

const Cast: Rule = (node) => {
  const { shape, data, dtype: from } = input(node);
  const to = NAME_OF[int(node, 'to', 0)] ?? 'an unknown type';
  if (!CARRIED.has(to)) fail(node, `to: expected one of ${[...CARRIED].join(', ')}, got ${to}`);
  const dtype = to as DType; // checked above
  return [{ dtype, shape, data: counts(dtype) && counts(from) ? data : undefined }];
};

/** Evaluates elements only if the condition is known. */
const Where: Rule = (node) => {
  const [condition, yes, no] = [input(node), input(node, 1), input(node, 2)];
  if (condition.dtype !== 'bool') fail(node, `input 0: expected bool, got ${condition.dtype}`);
  const shape = broadcast(node, condition.shape, yes.shape, no.shape);
  const at = (data: readonly Dim[], i: number): Dim => (data.length === 1 ? data[0] : data[i]) ?? 0;
  const length = shape.length === 0 ? 1 : shape[0];
  const [c, y, n] = [condition.data, yes.data, no.data];
  const known =
    c !== undefined &&
    y !== undefined &&
    n !== undefined &&
    typeof length === 'number' &&
    counts(yes.dtype) &&
    c.every((d) => typeof d === 'number');
  return [
    {
      dtype: oneType(node, [1, 2]),
      shape,
      data: known
        ? tracked(
            shape,
            Array.from({ length }, (_, i) => (at(c, i) !== 0 ? at(y, i) : at(n, i))),
          )
        : undefined,
    },
  ];
};

const Clip: Rule = (node) => {
  const dtype = oneType(node);
  for (const i of [1, 2])
    if ((node.inputs[i]?.shape.length ?? 0) !== 0)
      fail(node, `input ${i}: expected a scalar, got [${input(node, i).shape.join(', ')}]`);
  return [{ dtype, shape: input(node).shape }];
};

/** The slope is broadcast to the shape of x, but x is not broadcast. */
const PRelu: Rule = (node) => {
  const x = input(node);
  const shape = broadcast(node, x.shape, input(node, 1).shape);
  if (
    shape.length !== x.shape.length ||
    shape.some((dim, i) => typeof dim === 'number' && typeof x.shape[i] === 'number' && dim !== x.shape[i])
  ) {
    fail(node, `expected a slope that broadcasts to [${x.shape.join(', ')}], got [${input(node, 1).shape.join(', ')}]`);
  }
  return [{ dtype: oneType(node), shape: x.shape }];
};

type Unary =
  | 'Abs'
  | 'Acos'
  | 'Acosh'
  | 'Asin'
  | 'Asinh'
  | 'Atan'
  | 'Atanh'
  | 'Ceil'
  | 'Cos'
  | 'Cosh'
  | 'Erf'
  | 'Exp'
  | 'Floor'
  | 'Identity'
  | 'IsInf'
  | 'IsNaN'
  | 'Log'
  | 'Neg'
  | 'Not'
  | 'Reciprocal'
  | 'Round'
  | 'Sign'
  | 'Sin'
  | 'Sinh'
  | 'Sqrt'
  | 'Tan'
  | 'Tanh'
  | 'Cast'
  | 'Celu'
  | 'Elu'
  | 'Gelu'
  | 'HardSigmoid'
  | 'LeakyRelu'
  | 'LogSoftmax'
  | 'Mish'
  | 'PRelu'
  | 'Relu'
  | 'Selu'
  | 'Sigmoid'
  | 'Softmax'
  | 'Softplus'
  | 'Softsign';

type Several =
  | 'Add'
  | 'And'
  | 'Clip'
  | 'Div'
  | 'Equal'
  | 'Greater'
  | 'GreaterOrEqual'
  | 'Less'
  | 'LessOrEqual'
  | 'Max'
  | 'Min'
  | 'Mod'
  | 'Mul'
  | 'Or'
  | 'Pow'
  | 'Sub'
  | 'Sum'
  | 'Where'
  | 'Xor'
  | 'BitwiseAnd'
  | 'BitwiseOr'
  | 'BitwiseXor';

const bit =
  (holds: (a: number, b: number) => boolean): Arithmetic =>
  (a, b) =>
    typeof a === 'number' && typeof b === 'number' ? Number(holds(a, b)) : undefined;

/** Rules of the element-wise ops and activations. */
export const elementwise: Record<Unary | Several, Rule> = {
  Abs: mapped((d) => (typeof d === 'number' ? Math.abs(d) : undefined)),
  Acos: same,
  Acosh: same,
  Asin: same,
  Asinh: same,
  Atan: same,
  Atanh: same,
  Ceil: same,
  Cos: same,
  Cosh: same,
  Erf: same,
  Exp: same,
  Floor: same,
  Identity: (node) => [input(node)],
  IsInf: test,
  IsNaN: test,
  Log: same,
  Neg: mapped((d) => multiply(d, -1)),
  Not: (node) => (input(node).dtype === 'bool' ? same(node) : fail(node, `expected bool, got ${input(node).dtype}`)),
  Reciprocal: same,
  Round: same,
  Sign: same,
  Sin: same,
  Sinh: same,
  Sqrt: same,
  Tan: same,
  Tanh: same,
  Cast,
  Celu: same,
  Elu: same,
  Gelu: same,
  HardSigmoid: same,
  LeakyRelu: same,
  LogSoftmax: same,
  Mish: same,
  PRelu,
  Relu: same,
  Selu: same,
  Sigmoid: same,
  Softmax: same,
  Softplus: same,
  Softsign: same,
  Add: pair(add),
  And: logic,
  Clip,
  Div: pair(divide),
  Equal: compare((a, b) => (typeof a === typeof b && (a === b || typeof a === 'number') ? Number(a === b) : undefined)),
  Greater: compare(bit((a, b) => a > b)),
  GreaterOrEqual: compare(bit((a, b) => a >= b)),
  Less: compare(bit((a, b) => a < b)),
  LessOrEqual: compare(bit((a, b) => a <= b)),
  Max: pair((a, b) => extreme('max', a, b)),
  Min: pair((a, b) => extreme('min', a, b)),
  Mod: pair((a, b) => (typeof a === 'number' && typeof b === 'number' && b > 0 && a >= 0 ? a % b : undefined)),
  Mul: pair(multiply),
  Or: logic,
  // The exponent may have another type.
  Pow: (node) => [{ dtype: input(node).dtype, shape: broadcast(node, input(node).shape, input(node, 1).shape) }],
  Sub: pair(subtract),
  Sum: pair(),
  Where,
  Xor: logic,
  BitwiseAnd: pair(),
  BitwiseOr: pair(),
  BitwiseXor: pair(),
};
