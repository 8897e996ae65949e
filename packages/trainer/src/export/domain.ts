// Derives which values the inputs of a program may take, from the calls that read them: indices into tables, divisors,
// logarithms, one-hots. One backward walk from results to inputs; kernels without a rule impose nothing.
import { callInputs, type KernelCall, type Program, type ValueId } from '../program/program.js';
import type { KernelName } from '../kernels/names.js';
import { rowOf, type KernelRows } from '../kernels/rows.js';
import { kernelsThat, traitsOf } from '../kernels/traits.js';
import { producers, valueOutputs } from '../program/graph.js';
import { replay } from '../program/replay.js';

/** The values that may be drawn for an input. */
export interface Domain {
  /** Closed interval; the ends may be infinite. */
  low: number;
  high: number;
  /** Whether only integers are meaningful. */
  whole: boolean;
  /** Values at which the function is undefined, such as zero for a divisor. */
  not: readonly number[];
  /** Values around which the function changes behaviour: bounds of a clip, operands of a comparison. */
  near: readonly number[];
  /** For indices of several components along the last axis: the number of positions of each. */
  components?: readonly number[];
  /** Whether the numbers must ascend along the last axis. */
  sorted?: boolean;
}

/** No restriction. */
export const ANYTHING: Domain = { low: -Infinity, high: Infinity, whole: false, not: [], near: [] };

/** Whether the domain excludes any number. */
export function isBounded({ low, high, whole, not }: Domain): boolean {
  return low > -Infinity || high < Infinity || whole || not.length > 0;
}

/** Whether a number is in the domain. */
export function isIn(value: number, { low, high, whole, not }: Domain): boolean {
  return value >= low && value <= high && (!whole || Number.isInteger(value)) && !not.includes(value);
}

/** Gives the numbers of a value that does not depend on inputs. */
export type Constants = (id: ValueId) => ArrayLike<number> | undefined;

/** Values that do not depend on an input's numbers. */
function fixedValues(program: Program): Set<ValueId> {
  const fixed = new Set(program.constants.keys());
  for (const call of program.calls)
    if (traitsOf(call.kernel).readsShape === true || callInputs(call).every((id) => fixed.has(id)))
      for (const id of call.outputs) fixed.add(id);
  return fixed;
}

/** Outputs that do not depend on the inputs' numbers. */
export function fixedOutputs(program: Program): string[] {
  const fixed = fixedValues(program);
  return program.outputs.filter(({ value }) => fixed.has(value)).map(({ name }) => name);
}

/** Looks up constants of a program, and values computed from constants alone. */
export function constantsOf(program: Program): Constants {
  const [fixed, makers] = [fixedValues(program), producers(program)];
  return (id) => program.constants.get(id) ?? (fixed.has(id) ? computed(program, id, makers) : undefined);
}

/** A value that is computed from constants; undefined if it depends on the shape of an input instead. */
function computed(
  program: Program,
  value: ValueId,
  makers: ReadonlyMap<ValueId, KernelCall>,
): ArrayLike<number> | undefined {
  const needed = new Set<KernelCall>();
  const constants: Program['constants'] = new Map();
  const open = [value];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const [data, call] = [program.constants.get(id), makers.get(id)];
    if (data !== undefined) constants.set(id, data);
    else if (call === undefined) return undefined;
    else if (!needed.has(call)) {
      needed.add(call);
      open.push(...callInputs(call));
    }
  }
  const calls = program.calls.filter((call) => needed.has(call));
  const outputs = [{ name: 'value', value }];
  return replay({ ...program, inputs: [], constants, calls, outputs }, {}, { backend: 'cpu' })['value']?.data;
}

/** The domain of each input, by name. */
export function domainsOf(program: Program): Map<string, Domain> {
  const needs = new Map<ValueId, Domain>();
  const [fixed, constant] = [fixedValues(program), constantsOf(program)];
  for (const call of [...program.calls].reverse()) {
    const result = valueOutputs(call).reduce<Domain>((all, id) => meet(all, needs.get(id) ?? ANYTHING), ANYTHING);
    const rule = rowOf(TABLE, call.kernel);
    if (rule === undefined) continue;
    for (const [name, ids] of Object.entries(call.inputs)) {
      for (const id of [ids].flat()) {
        if (fixed.has(id)) continue;
        const asked = rule({ call, name, result, program, constant });
        if (asked === undefined) continue;
        const { components: _, sorted: __, ...bounds } = asked;
        const kept = keepsLastAxis(call, id, program) ? asked : bounds;
        needs.set(id, meet(needs.get(id) ?? ANYTHING, kept));
      }
    }
  }
  return new Map(program.inputs.map(({ name, value }) => [name, needs.get(value) ?? ANYTHING]));
}

/** Maximum number of values in `not` and in `near`. */
const MANY = 8;

function joined(a: readonly number[], b: readonly number[]): number[] {
  return [...new Set([...a, ...b])].slice(0, MANY);
}

/**
 * The intersection. If it is empty, one of the rules was wrong, and `a` is kept: the domain that was found first, which
 * comes from later in the program.
 */
function meet(a: Domain, b: Domain): Domain {
  const [low, high] = [Math.max(a.low, b.low), Math.min(a.high, b.high)];
  if (low > high) return a;
  const components = a.components ?? b.components;
  return {
    low,
    high,
    whole: a.whole || b.whole,
    not: joined(a.not, b.not),
    near: joined(a.near, b.near),
    ...(components === undefined ? {} : { components }),
    ...(a.sorted === true || b.sorted === true ? { sorted: true } : {}),
  };
}

/** Whether the last axis of the input is also that of the call's result, so that components and order apply to both. */
function keepsLastAxis({ kernel, outputs }: KernelCall, input: ValueId, { values }: Program): boolean {
  const { lastAxis, elementwise } = traitsOf(kernel);
  const [before, after] = [input, outputs[0] ?? -1].map((id) => values[id]?.shape.at(-1));
  return lastAxis === true || ((elementwise !== undefined || kernel === 'Reshape') && before === after);
}

/** A call and one of its inputs. `result`: the domain that its outputs must be in. */
interface Seen {
  call: KernelCall;
  name: string;
  result: Domain;
  program: Program;
  /** Looks up values that do not depend on inputs. */
  constant: Constants;
}

/** The domain of an input for which the outputs are in `result`; undefined for no restriction. */
type Rule = (seen: Seen) => Domain | undefined;

const interval = (low: number, high: number, ...not: number[]): Domain => ({ ...ANYTHING, low, high, not });
const turning = (...near: number[]): Domain => ({ ...ANYTHING, near: near.filter(Number.isFinite) });

/** The outputs hold the inputs' values, or values between them. */
const same: Rule = ({ result }) => result;

/** `same` for the named inputs only. */
const sameFor =
  (...names: string[]): Rule =>
  ({ name, result }) =>
    names.includes(name) ? result : undefined;

/** Whether the domain is closed under sums and products: [0, ∞) or part of it without an upper bound. */
const isCone = ({ low, high }: Domain): boolean => low >= 0 && high === Infinity;

const cone: Rule = ({ result }) => (isCone(result) ? { ...result, near: [] } : undefined);

/** A fixed domain, independent of the result's. */
const asks =
  (domain: Domain): Rule =>
  () =>
    domain;

/**
 * For functions that clip their input at `floor` and `ceiling`: if such a bound is a valid result, all inputs beyond it
 * are valid too.
 */
function cut(result: Domain, floor: readonly number[], ceiling: readonly number[] = []): Domain {
  const good = (ends: readonly number[]): boolean => ends.length > 0 && ends.every((end) => isIn(end, result));
  const open = {
    ...result,
    ...(good(floor) ? { low: -Infinity } : {}),
    ...(good(ceiling) ? { high: Infinity } : {}),
  };
  return meet(turning(...floor, ...ceiling), open);
}

/** The numbers of a constant input. */
function constantOf({ call, constant }: Seen, name: string): ArrayLike<number> | undefined {
  const id = call.inputs[name];
  return typeof id === 'number' ? constant(id) : undefined;
}

/** The numbers of the other operand of a call on `a` and `b`, if it is constant. */
function otherOperand(seen: Seen): number[] | undefined {
  const found = constantOf(seen, seen.name === 'a' ? 'b' : 'a');
  return found === undefined ? undefined : distinct(found);
}

/** Minimum, maximum and the first few of the numbers. */
function distinct(data: ArrayLike<number>): number[] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < data.length; i++) [low, high] = [Math.min(low, data[i] ?? 0), Math.max(high, data[i] ?? 0)];
  return [...new Set([low, high, ...Array.from({ length: Math.min(data.length, MANY) }, (_, i) => data[i] ?? 0)])];
}

/** The x with x + c in the domain for every c. */
function shifted({ low, high, whole, not, near }: Domain, by: readonly number[]): Domain | undefined {
  if (by.length === 0 || !by.every(Number.isFinite)) return undefined;
  const back = (list: readonly number[]): number[] => list.flatMap((v) => by.map((c) => v - c)).slice(0, MANY);
  const [from, to] = [low - Math.min(...by), high - Math.max(...by)];
  return from > to
    ? undefined
    : { low: from, high: to, whole: whole && by.every(Number.isInteger), not: back(not), near: back(near) };
}

/** The x with x · c in the domain for every non-zero c. */
function scaled({ low, high, whole, not, near }: Domain, by: readonly number[]): Domain | undefined {
  const factors = by.filter((c) => c !== 0 && Number.isFinite(c));
  if (factors.length === 0) return undefined;
  const back = (list: readonly number[]): number[] => list.flatMap((v) => factors.map((c) => v / c)).slice(0, MANY);
  const ends = factors.map((c) => (c > 0 ? [low / c, high / c] : [high / c, low / c]));
  const [from, to] = [Math.max(...ends.map(([a = 0]) => a)), Math.min(...ends.map(([, b = 0]) => b))];
  const kept = whole && factors.every((c) => Number.isInteger(1 / c));
  return from > to ? undefined : { low: from, high: to, whole: kept, not: back(not), near: back(near) };
}

const negative = (domain: Domain): Domain => scaled(domain, [-1]) ?? ANYTHING;

/** The interval if it is bounded on both sides. */
function ended({ low, high, whole }: Domain): { low: number; high: number; whole: boolean } | undefined {
  return low > -Infinity && high < Infinity ? { low, high, whole } : undefined;
}

const halved = (value: number, whole: boolean): number => (whole ? Math.floor(value / 2) : value / 2);

/**
 * Shifts the domain if the other operand is constant; else each operand gets half of a bounded interval, or stays
 * non-negative.
 */
const Add: Rule = (seen) => {
  const other = otherOperand(seen);
  if (other !== undefined) return shifted(seen.result, other);
  const both = ended(seen.result);
  if (both === undefined) return cone(seen);
  const { low, high, whole } = both;
  const [from, to] = [halved(low, whole), halved(high, whole)];
  return {
    ...ANYTHING,
    whole,
    ...(seen.name === 'a' ? { low: from, high: to } : { low: low - from, high: high - to }),
  };
};

/**
 * Shifts the domain if the other operand is constant; else `a` gets the upper half of a bounded interval, and `b` the
 * values from 0 to the length of the lower half, so that the difference stays in the interval.
 */
const Sub: Rule = (seen) => {
  const other = otherOperand(seen);
  if (other === undefined) {
    const both = ended(seen.result);
    if (both === undefined) return undefined;
    const { low, high, whole } = both;
    const middle = low + halved(high - low, whole);
    return { ...ANYTHING, whole, ...(seen.name === 'a' ? { low: middle, high } : { low: 0, high: middle - low }) };
  }
  const minus = other.map((c) => -c);
  return seen.name === 'a' ? shifted(seen.result, minus) : shifted(negative(seen.result), minus);
};

const Multiply: Rule = (seen) => {
  const { a, b } = seen.call.inputs;
  if (a === b) return Square(seen);
  const other = otherOperand(seen);
  return other === undefined ? cone(seen) : scaled(seen.result, other);
};

/**
 * For functions of |x|: x excludes zero if the result must, and is bounded by ±`end` if the result is bounded above.
 */
const unsigned = ({ high, not }: Domain, end: number): Domain =>
  meet(high < Infinity && high >= 0 ? interval(-end, end) : ANYTHING, not.includes(0) ? NOT_ZERO : ANYTHING);

const Square: Rule = ({ result }) => unsigned(result, Math.sqrt(result.high));

const NOT_ZERO = interval(-Infinity, Infinity, 0);

const division: Rule = (seen) => {
  const other = otherOperand(seen);
  if (seen.name === 'b') return isCone(seen.result) ? interval(0, Infinity, 0) : NOT_ZERO;
  return other === undefined
    ? cone(seen)
    : scaled(
        seen.result,
        other.map((c) => 1 / c),
      );
};

/** With constant integer exponents the base may be any number; otherwise it must be positive. */
const Pow: Rule = (seen) => {
  const { call, program, name } = seen;
  const id = call.inputs['a'];
  const whole = typeof id === 'number' && program.values[id]?.dtype !== 'float32';
  if (name === 'b') return whole ? interval(0, Infinity) : undefined;
  const powers = constantOf(seen, 'b');
  if (powers === undefined) return whole ? undefined : interval(0, Infinity, 0);
  const list = distinct(powers);
  const zero = list.some((power) => power < 0) ? [0] : [];
  return list.every(Number.isInteger) ? interval(-Infinity, Infinity, ...zero) : interval(0, Infinity, ...zero);
};

/** An operand that is compared with a constant is interesting around that constant. */
const compared: Rule = (seen) => {
  const other = otherOperand(seen);
  return other === undefined ? undefined : turning(...other);
};

const ClipByValue: Rule = ({ call, result }) =>
  cut(result, [Number(call.attrs['clipValueMin'])], [Number(call.attrs['clipValueMax'])]);

/** Indices 0 to n - 1. */
const places = (n: number): Domain => ({ ...ANYTHING, low: 0, high: Math.max(0, n - 1), whole: true });

/** The shape of an input of the call. */
function sizesOf({ call, program }: Seen, name: string): number[] {
  const id = call.inputs[name];
  return typeof id === 'number' ? (program.values[id]?.shape.map(Number) ?? []) : [];
}

/** The number of components of a call's indices: its last axis. */
function componentsOf(seen: Seen, name: string): number {
  return sizesOf(seen, name).at(-1) ?? 1;
}

const GatherV2: Rule = (seen) => {
  if (seen.name === 'x') return seen.result;
  const shape = sizesOf(seen, 'x');
  const axis = Number(seen.call.attrs['axis'] ?? 0);
  return places(shape.at(axis) ?? 1);
};

/**
 * Indices of several components. `components` is dropped where the last axis changes; then every component stays within
 * the shortest axis.
 */
const indices =
  (name: string, values: readonly string[], shapeOf: (seen: Seen) => readonly number[]): Rule =>
  (seen) => {
    if (values.includes(seen.name)) return seen.result;
    if (seen.name !== name) return undefined;
    const sizes = shapeOf(seen).slice(0, componentsOf(seen, name));
    return { ...places(Math.min(...sizes)), components: sizes };
  };

const attribute =
  (name: string) =>
  ({ call }: Seen): number[] => {
    const value = call.attrs[name];
    return Array.isArray(value) ? value.map(Number) : [];
  };

/** Indices below the number in an attribute. */
const below =
  (input: string, name: string): Rule =>
  (seen) =>
    seen.name === input ? places(Number(seen.call.attrs[name] ?? 2)) : undefined;

const CropAndResize: Rule = (seen) =>
  seen.name === 'boxInd'
    ? places(sizesOf(seen, 'image')[0] ?? 1)
    : seen.name === 'boxes'
      ? interval(0, 1)
      : seen.result;

type Table = KernelRows<Rule>;

const all = (rule: Rule, ...kernels: KernelName[]): Table =>
  Object.fromEntries(kernels.map((kernel) => [kernel, rule])); // the keys are these names

const TABLE: Table = {
  ...all(
    same,
    ...kernelsThat(({ moves, within }) => moves ?? within),
    ...(['Cast', 'Ceil', 'Floor', 'Round'] as const),
  ),
  ...all(cone, 'AddN', 'Cumprod', 'Cumsum', 'Prod', 'Sum'),
  ...all(compared, 'Equal', 'Greater', 'GreaterEqual', 'Less', 'LessEqual', 'NotEqual'),
  Maximum: (seen) => cut(seen.result, otherOperand(seen) ?? []),
  Minimum: (seen) => cut(seen.result, [], otherOperand(seen) ?? []),
  ...all(asks(turning(0)), 'Sign', 'Step'),
  Abs: ({ result }) => meet(turning(0), unsigned(result, result.high)),
  LeakyRelu: ({ result }) => meet(turning(0), result),
  Relu: ({ result }) => cut(result, [0]),
  Relu6: ({ result }) => cut(result, [0], [6]),
  Add,
  Sub,
  Multiply,
  Square,
  Pow,
  ClipByValue,
  Neg: ({ result }) => negative(result),
  RealDiv: division,
  FloorDiv: division,
  Mod: ({ name }) => (name === 'b' ? NOT_ZERO : undefined),
  Select: sameFor('t', 'e'),
  Log: asks(interval(0, Infinity, 0)),
  Log1p: asks(interval(-1, Infinity, -1)),
  Sqrt: ({ result }) => interval(0, Infinity, ...result.not.filter((value) => value === 0)),
  Rsqrt: asks(interval(0, Infinity, 0)),
  Reciprocal: ({ result }) => (isCone(result) ? interval(0, Infinity, 0) : NOT_ZERO),
  Acos: asks(interval(-1, 1)),
  Asin: asks(interval(-1, 1)),
  Acosh: asks(interval(1, Infinity)),
  Atanh: asks(interval(-1, 1, -1, 1)),
  FusedBatchNorm: ({ name }) => (name === 'variance' ? interval(0, Infinity) : undefined),
  GatherV2,
  GatherNd: indices('indices', ['params'], (seen) => sizesOf(seen, 'params')),
  OneHot: below('indices', 'depth'),
  ScatterNd: indices('indices', ['updates'], attribute('shape')),
  TensorScatterUpdate: indices('indices', ['tensor', 'updates'], (seen) => sizesOf(seen, 'tensor')),
  SparseToDense: indices('sparseIndices', ['sparseValues', 'defaultValue'], attribute('outputShape')),
  UnsortedSegmentSum: below('segmentIds', 'numSegments'),
  SearchSorted: ({ name }) => (name === 'sortedSequence' ? { ...ANYTHING, sorted: true } : undefined),
  Bincount: below('x', 'size'),
  DenseBincount: below('x', 'size'),
  CropAndResize,
};
