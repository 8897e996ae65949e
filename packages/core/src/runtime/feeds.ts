// Checks feeds against a session's inputs before they leave the caller's thread, so that an error names the input and
// affects only its caller.
import type { UsageError } from '../errors.js';
import { shapeError } from '../shape-error.js';
import { classOf, isDetached, listOf, optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import { ARRAY_OF, sizeOf } from '../tensor.js';
import type { NamedTensors, Tensor, TensorSpec, TypedArray } from '../tensor.js';

/** A feed: a tensor, with or without dtype, or only its data if the input's shape has at most one dynamic size. */
export type Feed = Tensor | { shape: readonly number[]; data: ArrayBufferView } | TypedArray;

/**
 * Throws `input.shape` for a missing, unknown or misshapen feed. Inputs in `state` are fed by the session itself. A
 * named dynamic dimension must have the same size everywhere.
 */
export function checkFeeds(
  inputs: readonly TensorSpec[],
  feeds: NamedTensors,
  state: ReadonlySet<string> = new Set(),
): void {
  optionsOf('run', feeds);
  const symbols = new Map<string, number>();
  const wanted = listOf('checkFeeds.inputs', inputs).filter(({ name }) => !state.has(name ?? ''));
  for (const spec of wanted) {
    const feed = feeds[spec.name ?? ''];
    if (!feed) throw shapeError(`run.${spec.name}: expected ${describe(spec)}, got nothing`);
    checkTensor(`run.${spec.name}`, spec, feed, symbols);
  }
  const names = new Set(wanted.map(({ name }) => name));
  for (const name of Object.keys(feeds)) {
    if (names.has(name)) continue;
    throw shapeError(
      `run.${name}: expected only ${[...names].join(', ') || 'no feeds'}, got ` +
        `'${name}'${state.has(name) ? '; it is state: use writeState' : ''}`,
    );
  }
}

/**
 * Throws `input.shape` if `value` does not match `spec`, or if its data does not match its own shape. `symbols`
 * collects dynamic sizes.
 */
export function checkTensor(
  where: string,
  spec: TensorSpec,
  value: Tensor,
  symbols: Map<string, number> = new Map(),
): void {
  if (!isTensor(value)) {
    checkSpec(where, spec);
    throw shapeError(`${where}: expected ${describe(spec)}, got ${shown(value)}`);
  }
  checkKind(where, spec, value, symbols);
  checkWhole(where, value);
}

/** Throws `input.shape` for a value that is not a tensor, or whose data does not match its own shape and type. */
export function checkWhole(where: string, value: Tensor): void {
  if (!isTensor(value)) throw shapeError(`${where}: expected a tensor, got ${shown(value)}`);
  if (isDetached(value.data)) throw detached(where);
  const array = ARRAY_OF[value.dtype];
  const { data } = value;
  // Accepts the typed array of this dtype from any realm.
  const length = classOf(data) === array.name ? (data as TypedArray).length : -1;
  if (length !== sizeOf(value.shape)) {
    throw shapeError(
      `${where}: expected ${array.name} of ${sizeOf(value.shape)} elements, got ${classOf(data)} of ` +
        `${data.byteLength} bytes`,
    );
  }
  // ONNX kernels compute with the byte: of 2, both it and its negation would be true.
  if (value.dtype === 'bool' && (data as Uint8Array).some((byte) => byte > 1))
    throw shapeError(`${where}: expected bools as bytes 0 and 1, got others`);
}

/** {@link checkTensor} for type and shape only. */
export function checkKind(
  where: string,
  spec: TensorSpec,
  value: Pick<Tensor, 'dtype' | 'shape'>,
  symbols: Map<string, number>,
): void {
  checkSpec(where, spec);
  if (!Array.isArray(optionsOf(where, value).shape))
    throw shapeError(`${where}: expected ${describe(spec)}, got the shape ${shown(value.shape)}`);
  const fits =
    spec.unranked ||
    (spec.shape.length === value.shape.length &&
      spec.shape.every((dim, i) => fitsDim(dim, value.shape[i] ?? -1, symbols)));
  if (!fits || (spec.dtype !== undefined && spec.dtype !== value.dtype))
    throw shapeError(`${where}: expected ${describe(spec)}, got ${value.dtype} [${value.shape.join(', ')}]`);
}

function checkSpec(where: string, spec: TensorSpec): void {
  if (!Array.isArray(optionsOf(`${where}: the spec`, spec).shape))
    throw shapeError(`${where}: expected a spec with a shape, got ${shown(spec.shape)}`);
}

/** Untyped callers may pass anything. */
function isTensor(value: unknown): value is Tensor {
  return (
    typeof value === 'object' &&
    value !== null &&
    'shape' in value &&
    Array.isArray(value.shape) &&
    'data' in value &&
    ArrayBuffer.isView(value.data) &&
    'dtype' in value &&
    Object.hasOwn(ARRAY_OF, String(value.dtype))
  );
}

function fitsDim(dim: number | string, size: number, symbols: Map<string, number>): boolean {
  if (!(Number.isInteger(size) && size >= 0)) return false;
  if (typeof dim === 'number') return dim === size;
  if (!symbols.has(dim)) symbols.set(dim, size);
  return symbols.get(dim) === size;
}

function describe({ dtype, shape, unranked }: TensorSpec): string {
  return `${dtype ?? 'a tensor'} ${unranked ? 'of any shape' : `[${shape.join(', ')}]`}`;
}

export function detached(where: string): UsageError {
  return shapeError(`${where}: expected data, got an array whose buffer was transferred; copy it first`);
}
