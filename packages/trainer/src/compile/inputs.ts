// A step's inputs: checks specs once, converts feeds of every allowed form to tensors, draws random inputs from (seed,
// step).
import {
  classOf,
  ARRAY_OF,
  optionsOf,
  UsageError,
  copyOf,
  rowsOf,
  sizeOf,
  tensor,
  shown,
  type NamedTensors,
  type Tensor,
  type TensorSpec,
  type TypedArray,
} from '@forja/core';
import { drawRandom, namedStream } from '../trace/random.js';
import type { ProgramDType, ProgramInput } from '../program/program.js';
import type { TraceInput } from '../trace/trace.js';
import type { Feed } from './step.js';

type Random = NonNullable<ProgramInput['random']>;

/** A random input and the stream it is drawn from. */
export interface RandomInput {
  name: string;
  shape: readonly number[];
  random: Random;
  stream: number;
}

/**
 * The inputs as trace inputs, in order. @throws UsageError for a dynamic size, or a type that tfjs cannot compute with.
 */
export function traceInputs(specs: Readonly<Record<string, TensorSpec>>): TraceInput[] {
  return Object.entries(specs).map(([name, spec]) => ({
    name,
    dtype: programDType(name, spec),
    shape: fixedShape(name, spec),
    ...(spec.random === undefined ? {} : { random: { distribution: spec.random } }),
  }));
}

/** Throws UsageError if `step` is not a function, or `inputs` does not map names to specs. */
export function checkStep(where: string, step: unknown, inputs: Readonly<Record<string, TensorSpec>>): void {
  if (typeof step !== 'function') throw new UsageError(`${where}: expected a step function, got ${shown(step)}`);
  for (const [name, spec] of Object.entries(optionsOf(`${where}.inputs`, inputs)))
    if (!Array.isArray(optionsOf(`inputs.${name}`, spec).shape))
      throw shapeError(`inputs.${name}: expected a shape, got ${shown(spec.shape)}`);
}

/** The random inputs of the specs, with streams derived from their names or numbered in order, as tracing does. */
export function randomInputs(inputs: readonly TraceInput[], step: string | undefined): RandomInput[] {
  return inputs
    .flatMap(({ name, shape, random }) => (random === undefined ? [] : [{ name, shape, random }]))
    .map((input, i) => ({ ...input, stream: step === undefined ? i : namedStream(step, input.name) }));
}

/** Random inputs of one step. */
export function drawInputs(inputs: readonly RandomInput[], seed: number | bigint, step: number): NamedTensors {
  return Object.fromEntries(
    inputs.map(({ name, shape, random, stream }) => [
      name,
      tensor('float32', shape, drawRandom(random, { seed, step, stream }, sizeOf(shape))),
    ]),
  );
}

/**
 * The caller's feeds as tensors of the specs' types and shapes.
 * @throws UsageError `input.shape` for a feed that is missing, unknown, for a random input, or of the wrong shape or
 * type.
 */
export function feedTensors(inputs: readonly TraceInput[], given: Readonly<Record<string, Feed>>): NamedTensors {
  const feeds: NamedTensors = {};
  for (const input of inputs) {
    if (input.random !== undefined) continue;
    const feed = given[input.name] as Feed | null | undefined;
    if (feed === undefined || feed === null)
      throw shapeError(`run.${input.name}: expected ${describe(input)}, got nothing`);
    feeds[input.name] = feedTensor(input, feed);
  }
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(feeds, name)) continue;
    const random = inputs.some((input) => input.name === name);
    throw shapeError(
      random
        ? `run.${name}: expected no feed for a random input, which is drawn from (seed, step), got one`
        : `run.${name}: expected only ${Object.keys(feeds).join(', ') || 'no feeds'}, got '${name}'`,
    );
  }
  return feeds;
}

/**
 * Checks plain arrays, and the bytes of bools, against the range of the type: a fraction or 2³¹ for an int32 would
 * silently become another number, and a bool of 2 be neither true nor false.
 */
const IN_RANGE: Readonly<Record<ProgramDType, (value: number) => boolean>> = {
  float32: () => true,
  int32: (value) => (value | 0) === value,
  bool: (value) => value === 0 || value === 1,
};

function feedTensor(input: TraceInput, feed: Feed): Tensor {
  const { name, dtype, shape } = input;
  if (typeof feed === 'number') return feedTensor(input, [feed]);
  const { data, own } = isShaped(feed) ? { data: feed.data, own: feed } : { data: feed, own: undefined };
  if (own !== undefined && String(own.shape) !== String(shape))
    throw shapeError(`run.${name}: expected ${describe(input)}, got shape [${own.shape.join(', ')}]`);
  if (own !== undefined && 'dtype' in own && own.dtype !== dtype)
    throw shapeError(`run.${name}: expected ${describe(input)}, got ${own.dtype}`);
  if (!isNumbers(data)) throw shapeError(`run.${name}: expected ${describe(input)}, got ${shown(data)}`);
  const checked = !ArrayBuffer.isView(data) || (dtype === 'bool' && classOf(data) === 'Uint8Array');
  const strange = !checked ? undefined : Array.from(data).find((value) => !IN_RANGE[dtype](value));
  if (strange !== undefined)
    throw shapeError(`run.${name}: expected ${describe(input)}, got ${strange}, which is not in the range of ${dtype}`);
  if (data.length !== sizeOf(shape))
    throw shapeError(`run.${name}: expected ${sizeOf(shape)} values for ${describe(input)}, got ${data.length}`);
  const array = ARRAY_OF[dtype];
  // Typed arrays of another type (half-float bits, other integer widths) would be misread; plain arrays are converted.
  // Compared by class name: arrays may come from other realms.
  const kind = ArrayBuffer.isView(data) ? classOf(data) : undefined;
  if (kind !== undefined && kind !== array.name)
    throw shapeError(`run.${name}: expected ${array.name} for ${describe(input)}, got ${kind}`);
  return {
    dtype,
    shape: [...shape],
    data:
      kind !== undefined
        ? (data as TypedArray) // class compared above
        : array === Float32Array
          ? Float32Array.from(data)
          : array === Int32Array
            ? Int32Array.from(data)
            : Uint8Array.from(data),
  };
}

function isShaped(feed: Exclude<Feed, number>): feed is Tensor | { shape: readonly number[]; data: TypedArray } {
  return typeof feed === 'object' && 'shape' in feed && 'data' in feed;
}

function isNumbers(data: unknown): data is ArrayLike<number> {
  return (
    (Array.isArray(data) && data.every((value) => typeof value === 'number')) ||
    (ArrayBuffer.isView(data) && !['DataView', 'BigInt64Array', 'BigUint64Array'].includes(classOf(data)))
  );
}

function fixedShape(name: string, spec: TensorSpec): number[] {
  return spec.shape.map((size) => {
    if (typeof size === 'number' && Number.isInteger(size) && size >= 0) return size;
    throw shapeError(
      `inputs.${name}: expected a shape of whole numbers, got [${spec.shape.join(', ')}]; a compiled step has ` +
        'fixed sizes',
    );
  });
}

function programDType(name: string, spec: TensorSpec): ProgramDType {
  const { dtype = 'float32', random } = spec;
  if (random !== undefined && dtype !== 'float32')
    throw shapeError(`inputs.${name}: expected dtype float32 for a random input, got ${shown(dtype)}`);
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw shapeError(`inputs.${name}: expected dtype float32, int32 or bool, got ${shown(dtype)}`);
}

function describe({ dtype, shape }: TraceInput): string {
  return `${dtype} [${shape.join(', ')}]`;
}

function shapeError(message: string): UsageError {
  return new UsageError(message, { code: 'input.shape' });
}

/** Feeds of several steps as one tensor each, with a leading axis of steps. */
export function stacked(feeds: readonly NamedTensors[]): NamedTensors {
  return Object.fromEntries(
    Object.entries(feeds[0] ?? {}).map(([name, { dtype, shape }]) => {
      const data = new ARRAY_OF[dtype](feeds.length * sizeOf(shape));
      // the type says which array the data is, and all steps have the same inputs
      feeds.forEach((feed, i) => (data as Float32Array).set(feed[name]?.data as Float32Array, i * sizeOf(shape)));
      return [name, { dtype, shape: [feeds.length, ...shape], data }];
    }),
  );
}

/** Splits results with a leading axis of `count` steps into one set per step. */
export function unstacked(results: NamedTensors, count: number): NamedTensors[] {
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(
      Object.entries(results).map(([name, stack]) => [
        name,
        copyOf({ ...rowsOf(stack, i, 1), shape: stack.shape.slice(1) }),
      ]),
    ),
  );
}
