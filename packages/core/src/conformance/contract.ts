// The parts of a test framework that the conformance suite uses, the type of a check, and shared helpers.
import type { AbortSignalLike } from '../platform.js';
import type { Runtime } from '../runtime/session.js';
import { ARRAY_OF, sizeOf, type DType, type NamedTensors, type Tensor, type TypedArray } from '../tensor.js';

/** The result of `expect(value)`. */
export interface Expectation {
  toEqual(expected: unknown): unknown;
}

/** A test framework's two functions. */
export interface Conformance {
  test(name: string, run: () => Promise<void>): unknown;
  expect(actual: unknown): Expectation;
}

/** Asserts that two plain values are equal. */
export type Same = (actual: unknown, expected: unknown) => void;

/** One guarantee of the contract. The runtime is fresh and disposed of afterwards. */
export type Check = (runtime: Runtime, same: Same) => Promise<void>;

/** A tensor of numbers. */
export function of(dtype: DType, shape: readonly number[], values: readonly (number | bigint)[]): Tensor {
  const data: TypedArray =
    dtype === 'int64'
      ? BigInt64Array.from(values, BigInt)
      : new ARRAY_OF[dtype](Array.from(values, Number) as unknown as ArrayLike<never>); // each array takes numbers
  return { dtype, shape: [...shape], data };
}

/** A float32 tensor of one repeated value, or of the listed values. */
export function float32(shape: readonly number[], values: number | readonly number[]): Tensor {
  return of('float32', shape, typeof values === 'number' ? new Array<number>(sizeOf(shape)).fill(values) : values);
}

/** Elements as plain numbers or bigints; [] for undefined. */
export function elements(value: Tensor | undefined): (number | bigint)[] {
  return value === undefined ? [] : Array.from(value.data as TypedArray as ArrayLike<number | bigint>);
}

/** A whole result as plain data. */
export function plain(
  tensors: NamedTensors,
): Record<string, { dtype: DType; shape: number[]; values: (number | bigint)[] }> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, value]) => [
      name,
      { dtype: value.dtype, shape: value.shape, values: elements(value) },
    ]),
  );
}

/** 'ok', or the code of the error thrown; its name if it has no code. */
export async function outcome(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'ok';
  } catch (error) {
    // Only Errors should be thrown; anything else has neither property.
    const { code, name } = error as { code?: unknown; name?: unknown };
    return typeof code === 'string' ? code : `${String(name)} without a code`;
  }
}

/** {@link outcome} of an async function that may also throw synchronously. */
export function attempt(call: () => Promise<unknown>): Promise<string> {
  return outcome((async () => call())());
}

/** An abort signal that does not need the platform's classes. */
export class Signal implements AbortSignalLike {
  aborted = false;
  reason: unknown;
  readonly #listeners = new Set<() => void>();

  addEventListener(_: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  /** Aborts. */
  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Listeners that are still registered. */
  get listeners(): number {
    return this.#listeners.size;
  }
}
