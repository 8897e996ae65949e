// Reads the manifest of a model without the protobuf schema: a scan of ModelProto's top level that skips the graph.
import { ModelFormatError } from '../errors.js';
import { fromUtf8 } from '../platform.js';
import { checkModelBytes, fieldsOf } from '../onnx/model-bytes.js';
import { describeValue as shown } from '../issue-line.js';
import { BYTES_OF } from '../tensor.js';
import { MANIFEST_KEY, type Manifest, type ManifestInput, type ManifestOutput } from './manifest.js';

/** ModelProto.graph and ModelProto.metadata_props; StringStringEntryProto.key and .value. */
const GRAPH = 7;
const METADATA = 14;
const KEY = 1;
const VALUE = 2;

/**
 * The manifest of a model, or undefined if it has none (any ONNX model is allowed). The graph is skipped, so the cost
 * does not depend on the size of the weights. Throws `model.truncated` or `model.format` for bytes that are not a
 * model, `model.format` for a damaged manifest, and `model.unsupported` for one of a later version.
 */
export function readManifest(bytes: Uint8Array): Manifest | undefined {
  checkModelBytes(bytes);
  let text: string | undefined;
  for (const entry of delimited(bytes, METADATA)) {
    // The last one wins, within an entry and between entries, as in any protobuf reader.
    const [key, value] = [KEY, VALUE].map((field) => delimited(entry, field).at(-1));
    if (key && textOf(key) === MANIFEST_KEY) text = value ? textOf(value) : '';
  }
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ModelFormatError(
      'model.format',
      `metadata '${MANIFEST_KEY}': expected JSON, got ${shown(text.slice(0, 40))}; export the model again`,
      { cause },
    );
  }
  return checkManifest(json);
}

/**
 * The bytes of the GraphProto in an encoded model, a view of `bytes`: the part that {@link Manifest} `integrity`
 * covers. Throws `model.truncated` or `model.format` for bytes that are not a model, and for a model with two graphs,
 * which readers would merge.
 */
export function graphBytes(bytes: Uint8Array): Uint8Array {
  checkModelBytes(bytes);
  const [graph, second] = delimited(bytes, GRAPH);
  if (!graph || second)
    throw new ModelFormatError('model.format', `model: expected one graph, got ${graph ? 'several' : 'none'}`);
  return graph;
}

/** The length-delimited values of field `wanted` in an encoded message, in order. Throws `model.format` if damaged. */
function delimited(message: Uint8Array, wanted: number): Uint8Array[] {
  return [
    ...fieldsOf(message, wanted, () => {
      throw new ModelFormatError(
        'model.format',
        'metadata_props: expected key and value, got damaged bytes; download or export the model again',
      );
    }),
  ];
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new ModelFormatError(
      'model.format',
      'metadata_props: expected UTF-8 text, got other bytes; download or export the model again',
      { cause },
    );
  }
}

/** Not valibot, which would triple the size of this check in every worker: ARCHITECTURE.md has the bytes. */
type Check<T> = (value: unknown, where: string) => T;

const DTYPES = Object.keys(BYTES_OF) as (keyof typeof BYTES_OF)[]; // Object.keys loses the key type
const INPUT_ROLES = ['latent', 'label', 'text', 'noise', 'psi', 'mix', 'layer', 'image'] as const;
const OUTPUT_ROLES = ['image', 'score'] as const;
const LAYOUTS = ['nchw', 'nhwc'] as const;

const tensorFields = {
  name: text,
  dtype: oneOf(DTYPES),
  shape: list(dimension),
  'range?': range,
  'layout?': oneOf(LAYOUTS),
};
const input: Check<ManifestInput> = record({
  ...tensorFields,
  role: roleOf(INPUT_ROLES),
  'distribution?': oneOf(['normal', 'uniform'] as const),
  'classes?': list(text),
  'vocabulary?': list(text),
});
const output: Check<ManifestOutput> = record({ ...tensorFields, role: roleOf(OUTPUT_ROLES) });
const manifest: Check<Manifest> = record({
  version: () => 1,
  kind: oneOf(['latent', 'image-to-image', 'super-resolution', 'function'] as const),
  inputs: list(input),
  outputs: list(output),
  'steps?': steps,
  'bounds?': bounds,
  'strides?': steps,
  'precision?': oneOf(['fp32', 'fp16'] as const),
  'weights?': oneOf(['int8', 'uint8', 'fp16', 'exact'] as const),
  integrity: record({ sha256: digest, bytes: size }),
  producer: text,
  'license?': text,
  'trainedOn?': text,
  'metrics?': object,
});

/**
 * A role of a later version is read as `tensor`: `run` works with any model, `sample` refuses an input that it cannot
 * fill, and what needs a picture or a score refuses a model without one.
 */
function roleOf<const T extends string>(roles: readonly T[]): Check<T | 'tensor'> {
  return (value, where) => {
    const role = text(value, where);
    return roles.find((one) => one === role) ?? 'tensor';
  };
}

/**
 * The manifest in parsed JSON, with only the fields that this version knows. Throws as {@link readManifest} does;
 * messages name the field.
 */
export function checkManifest(json: unknown): Manifest {
  const { version } = object(json, '');
  if (typeof version === 'number' && version > 1) {
    throw new ModelFormatError(
      'model.unsupported',
      `manifest.version: expected 1, got ${version}: the model was written by a later Forja; update @forja/core`,
    );
  }
  if (version !== 1) fail('.version', '1', version);
  return manifest(json, '');
}

/** Combines checks of fields into a check of an object; a field whose name ends in `?` may be absent. */
function record<T>(fields: Record<string, Check<unknown>>): Check<T> {
  return (value, where) => {
    const from = object(value, where);
    const to: Record<string, unknown> = {};
    for (const [field, check] of Object.entries(fields)) {
      const name = field.replace('?', '');
      if (Object.hasOwn(from, name)) to[name] = check(from[name], `${where}.${name}`);
      else if (name === field) fail(`${where}.${name}`, 'a value', undefined);
    }
    return to as T; // every field of T was checked above
  };
}

function list<T>(check: Check<T>): Check<T[]> {
  return (value, where) =>
    Array.isArray(value) ? value.map((item, i) => check(item, `${where}[${i}]`)) : fail(where, 'a list', value);
}

function oneOf<const T>(values: readonly T[]): Check<T> {
  return (value, where) =>
    values.find((v) => v === value) ?? fail(where, values.map((v) => `'${String(v)}'`).join(' or '), value);
}

function text(value: unknown, where: string): string {
  return typeof value === 'string' ? value : fail(where, 'a text', value);
}

function object(value: unknown, where: string): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : fail(where, 'an object', value);
}

function dimension(value: unknown, where: string): number | string {
  return (typeof value === 'string' && value !== '') || (Number.isSafeInteger(value) && (value as number) >= 0)
    ? (value as number | string)
    : fail(where, 'a size or a name', value);
}

function size(value: unknown, where: string): number {
  return Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : fail(where, 'a number of bytes', value);
}

function steps(value: unknown, where: string): Record<string, number> {
  const entries = Object.entries(object(value, where));
  return Object.fromEntries(
    entries.map(([name, step]) => [
      name,
      Number.isSafeInteger(step) && (step as number) > 0
        ? (step as number)
        : fail(`${where}.${name}`, 'a positive whole number', step),
    ]),
  );
}

function bounds(value: unknown, where: string): Record<string, [number, number]> {
  return Object.fromEntries(
    Object.entries(object(value, where)).map(([name, own]) => {
      const [low, high] = Array.isArray(own) && own.length === 2 ? (own as unknown[]) : [];
      return Number.isSafeInteger(low) && Number.isSafeInteger(high) && 0 < Number(low) && Number(low) <= Number(high)
        ? [name, [Number(low), Number(high)]]
        : fail(`${where}.${name}`, '[least, greatest] size', own);
    }),
  );
}

function digest(value: unknown, where: string): string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
    ? value
    : fail(where, '64 hexadecimal digits', value);
}

function range(value: unknown, where: string): [number, number] {
  const [low, high] = Array.isArray(value) && value.length === 2 ? (value as unknown[]) : [];
  return typeof low === 'number' && typeof high === 'number' && low < high
    ? [low, high]
    : fail(where, '[low, high]', value);
}

function fail(where: string, expected: string, value: unknown): never {
  throw new ModelFormatError(
    'model.format',
    `manifest${where}: expected ${expected}, got ${shown(value)}; export the model again`,
  );
}
