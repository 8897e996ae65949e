// Brings everything that can be exported to one form: a function of named tensors, with the specification of each input
// and the names of its results.
import {
  ExportError,
  ForjaError,
  messageOf,
  ModelFormatError,
  UsageError,
  type Dim,
  type DType,
  type TensorSpec,
  describeValue,
} from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { ProgramDType } from '../program/program.js';
import { holdsPromise } from '../tfjs/promises.js';

/** A tfjs function of tensors. */
export type ExportFunction = (...x: tf.Tensor[]) => tf.Tensor | tf.Tensor[] | Record<string, tf.Tensor>;

/** What {@link exportOnnx} takes. */
export type Exportable = tf.LayersModel | tf.GraphModel | ExportFunction;

/** Options of an input. Models know their shapes, functions do not. */
export type InputOption = Omit<TensorSpec, 'shape'> & { shape?: Dim[] };

/** A complete specification of an input. */
export interface SubjectInput extends TensorSpec {
  name: string;
  dtype: ProgramDType;
}

/** A model or function, ready to be traced. */
export interface Subject {
  kind: 'layers' | 'graph' | 'function';
  /** The model's or function's own name, or ''. */
  name: string;
  /** A function's source: numbers in it may be sizes that it compares with. */
  text?: string;
  inputs: SubjectInput[];
  /** Computes results by name. The caller's names take precedence over the model's. */
  apply: (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>;
}

const DTYPES: readonly DType[] = ['float32', 'int32', 'bool'];

/**
 * @throws UsageError if `model` is neither a model nor a function, for a function without input specifications, or
 * specifications that do not fit the model.
 */
export function subjectOf(
  model: Exportable,
  inputs: readonly InputOption[] | undefined,
  outputs: readonly { name?: string }[] | undefined,
): Subject {
  const named = outputs?.map(({ name }) => name) ?? [];
  if (isLayersModel(model)) {
    build(model);
    for (const weight of model.weights) refuseOdd(weight.originalName, () => weight.read(), Number.isFinite);
    const specs = specsOf(
      inputs,
      model.inputs.map(({ shape, dtype }, i) => ({
        name: model.inputNames[i] ?? `input_${i}`,
        dtype: String(dtype),
        shape,
      })),
    );
    const apply = (given: tf.Tensor[]): tf.Tensor | tf.Tensor[] =>
      // `apply` returns symbolic tensors only for symbolic inputs
      model.apply(given.length === 1 ? (given[0] ?? given) : given, { training: false }) as tf.Tensor | tf.Tensor[];
    return {
      kind: 'layers',
      name: model.name,
      inputs: specs,
      apply: (given) => byName(apply(inOrder(specs, given)), named, model.outputNames, specs),
    };
  }
  if (isGraphModel(model)) {
    for (const [name, tensors] of Object.entries(model.weights))
      for (const tensor of tensors) refuseOdd(name, () => tensor, isNumber); // its constants may be masks of −∞
    const own = model.inputs.map(({ name, shape, dtype }) => ({ name, dtype: String(dtype), shape: shape ?? null }));
    const specs = specsOf(
      inputs,
      own.map((input) => ({ ...input, name: input.name.replace(/:0$/, '') })),
    );
    const names = model.outputs.map(({ name }) => name);
    const apply = (given: Record<string, tf.Tensor>): tf.Tensor | tf.Tensor[] =>
      executed(
        model,
        Object.fromEntries(specs.map(({ name }, i) => [own[i]?.name ?? name, tensorOf(given, name)])),
        names,
      );
    return {
      kind: 'graph',
      name: '',
      inputs: specs,
      apply: (given) =>
        byName(
          apply(given),
          named,
          names.map((name) => name.replace(/:0$/, '')),
          specs,
        ),
    };
  }
  if (typeof model !== 'function')
    throw new UsageError(
      `exportOnnx: expected a tf.LayersModel, a tf.GraphModel or a function of tensors, got ${describeValue(model)}`,
    );
  if (inputs === undefined)
    throw new UsageError(
      "exportOnnx: expected options.inputs for a function, for example inputs: [{ name: 'z', shape: ['batch', 64] }]",
    );
  const specs = specsOf(
    inputs,
    inputs.map((_, i) => ({ name: inputs.length === 1 ? 'input' : `input_${i}`, dtype: 'float32', shape: null })),
  );
  return {
    kind: 'function',
    name: model.name,
    text: String(model),
    inputs: specs,
    apply: (given) => byName(model(...inOrder(specs, given)), named, [], specs),
  };
}

/** Whether the caller states the distribution that an input has in use. */
export function isStated({ inputs }: Subject, name: string): boolean {
  return inputs.some((input) => input.name === name && input.random !== undefined);
}

/** The names of a model's inputs, in its order. */
export function inputNames(model: tf.LayersModel | tf.GraphModel): string[] {
  if (isLayersModel(model)) {
    build(model);
    return [...model.inputNames];
  }
  return model.inputs.map(({ name }) => name.replace(/:0$/, ''));
}

const isNumber = (value: number): boolean => !Number.isNaN(value);

/** Refuses NaN and infinite weights: NaN equals NaN in a comparison, so verification would pass. */
function refuseOdd(name: string, read: () => tf.Tensor, good: (value: number) => boolean): void {
  const { dtype, shape, data } = weightOf(name, read);
  if (dtype !== 'float32') return;
  const at = data.findIndex((value) => !good(value));
  if (at >= 0)
    throw new ModelFormatError(
      'model.format',
      `exportOnnx: expected ${good === isNumber ? '' : 'finite '}numbers in the weight '${name}' ` +
        `[${shape.join(', ')}], got ${data[at]} at place ${at}; the file is damaged, or training failed`,
    );
}

function weightOf(
  name: string,
  read: () => tf.Tensor,
): { dtype: string; shape: number[]; data: Float32Array | Int32Array | Uint8Array } {
  try {
    const tensor = read();
    return { dtype: tensor.dtype, shape: tensor.shape, data: tensor.dataSync() };
  } catch (cause) {
    if (!/disposed/.test(messageOf(cause))) throw cause;
    throw new UsageError(
      `exportOnnx: expected a model with its weights, got one whose weight '${name}' has been disposed of`,
      { cause },
    );
  }
}

/** Runs a graph model, and explains tfjs's errors about unknown operators and control flow. */
function executed(model: tf.GraphModel, inputs: Record<string, tf.Tensor>, names: string[]): tf.Tensor | tf.Tensor[] {
  try {
    return model.execute(inputs, names);
  } catch (cause) {
    if (cause instanceof ForjaError) throw cause;
    const message = messageOf(cause);
    const [, op] = /^Unknown op '([^']+)'/.exec(message) ?? [];
    const why =
      op !== undefined
        ? `operators that tfjs has, got '${op}'; register it with tf.registerOp`
        : /executeAsync|dynamic op/.test(message)
          ? `a graph that runs in one go, got control flow or results whose size depends on data: ${message}`
          : `a graph that runs, got: ${message}`;
    throw new ExportError('export.unsupported', `exportOnnx: expected ${why}`, { cause });
  }
}

/** Checks properties instead of the class, because an app may hold two copies of tfjs. */
function isLayersModel(model: Exportable): model is tf.LayersModel {
  return (
    typeof model === 'object' && model !== null && 'apply' in model && 'layers' in model && Array.isArray(model.layers)
  );
}

/**
 * Builds a Sequential, which has no names until it is first applied. Otherwise the first export would give the file's
 * inputs other names than later exports.
 */
function build(model: tf.LayersModel): void {
  const first = (model.inputs as tf.SymbolicTensor[] | undefined)?.[0];
  if (first === undefined)
    throw new UsageError(
      'exportOnnx: expected a model of known input shape, got one that is not built; give its first layer an ' +
        'inputShape or call it once',
    );
  if ((model.inputNames as string[] | undefined)?.[0] === undefined) model.build(first.shape);
}

function isGraphModel(model: Exportable): model is tf.GraphModel {
  return typeof model === 'object' && model !== null && 'execute' in model && 'executeAsync' in model;
}

interface Own {
  name: string;
  dtype: string;
  shape: readonly (number | null)[] | null;
}

/** The model's own specifications, overridden by the caller's, which are matched by name, else by position. */
function specsOf(given: readonly InputOption[] | undefined, own: readonly Own[]): SubjectInput[] {
  if (given !== undefined && given.length !== own.length) {
    const sizes = (shape: readonly (number | null)[]): string =>
      shape.map((size) => (size === null || size < 0 ? 'any' : size)).join(', ');
    const names = own.map(({ name, shape }) => (shape === null ? name : `${name} [${sizes(shape)}]`));
    throw new UsageError(`exportOnnx: expected ${own.length} inputs (${names.join(', ')}), got ${given.length}`);
  }
  const byPosition = given ?? [];
  const matched = own.map((input, i) => byPosition.find((spec) => spec.name === input.name) ?? byPosition[i]);
  if (given !== undefined && new Set(matched).size !== own.length)
    throw new UsageError(
      `exportOnnx: expected options.inputs in the model's order (${own.map((o) => o.name).join(', ')}), got ` +
        `${given.map((g) => g.name ?? '?').join(', ')}`,
    );
  const specs = own.map((input, i): SubjectInput => {
    const spec = matched[i];
    const name = spec?.name ?? input.name;
    const dtype = spec?.dtype ?? input.dtype;
    refuseName('input', name);
    if (!isProgramDType(dtype))
      throw new UsageError(
        `exportOnnx: expected ${DTYPES.join(', ')} for input '${name}', got ${describeValue(dtype)}`,
      );
    return { ...spec, name, dtype, shape: shapeOf(name, spec?.shape, input.shape) };
  });
  const twice = specs.find((spec, i) => specs.some((other, j) => j < i && other.name === spec.name));
  if (twice !== undefined)
    throw new UsageError(`exportOnnx: expected inputs of different names, got '${twice.name}' twice`);
  return specs;
}

/**
 * Refuses names that a file or JavaScript cannot hold: tensors by name are kept in plain objects, where `constructor`
 * is taken, and ONNX's names are UTF-8 that runtimes end at a zero.
 */
function refuseName(what: 'input' | 'output', name: string): void {
  const why =
    name in Object.prototype
      ? 'which JavaScript keeps for itself'
      : /[\p{Cc}\p{Cs}]/u.test(name)
        ? 'which has a control character or half of a surrogate pair'
        : undefined;
  if (why !== undefined)
    throw new UsageError(
      `exportOnnx: expected another name for an ${what} than ${describeValue(name)}, ${why}; rename it`,
    );
}

function isProgramDType(dtype: string): dtype is ProgramDType {
  return (DTYPES as readonly string[]).includes(dtype);
}

function shapeOf(name: string, given: readonly Dim[] | undefined, own: Own['shape']): Dim[] {
  if (given === undefined) {
    if (own === null) throw new UsageError(`exportOnnx: expected a shape for input '${name}', got none`);
    const open = own.filter((size) => size === null || size < 0).length;
    return own.map((size, axis) =>
      size !== null && size >= 0
        ? size
        : axis === 0
          ? 'batch'
          : own.length === 4 && axis < 3
            ? axis === 1
              ? 'height'
              : 'width'
            : open <= 2
              ? 'length'
              : `length_${axis}`,
    );
  }
  const fits =
    own === null ||
    (own.length === given.length && own.every((size, i) => size === null || size < 0 || size === given[i]));
  if (!fits)
    throw new UsageError(
      `exportOnnx: expected a shape like [${own?.map((size) => size ?? 'any').join(', ')}] for input '${name}', ` +
        `got [${given.join(', ')}]`,
      { code: 'input.shape' },
    );
  for (const dim of given) {
    const good =
      typeof dim === 'number'
        ? Number.isSafeInteger(dim) && dim > 0
        : /^[A-Za-z_][\w]*$/.test(dim) && !(dim in Object.prototype);
    if (!good)
      throw new UsageError(
        `exportOnnx: expected positive sizes or names such as 'batch' in the shape of '${name}', ` +
          `got ${describeValue(dim)}`,
        { code: 'input.shape' },
      );
  }
  return [...given];
}

function tensorOf(given: Record<string, tf.Tensor>, name: string): tf.Tensor {
  const tensor = given[name];
  if (tensor === undefined) throw new UsageError(`exportOnnx: expected a tensor for '${name}'`);
  return tensor;
}

function inOrder(specs: readonly SubjectInput[], given: Record<string, tf.Tensor>): tf.Tensor[] {
  return specs.map(({ name }) => tensorOf(given, name));
}

/**
 * Makes default output names unique: they are changed where an input or another output has the same name (for example,
 * if the function returns an input).
 */
function free(own: readonly string[], taken: ReadonlySet<string>): string[] {
  const used = new Set(taken);
  return own.map((name, i) => {
    let [unique, count] = [name, 0];
    while (used.has(unique) || (unique !== name && own.includes(unique, i + 1))) unique = `${name}_${++count}`;
    used.add(unique);
    return unique;
  });
}

/** Results by name: the caller's names, else the function's keys, else the model's, else `output`. */
function byName(
  result: unknown,
  names: readonly (string | undefined)[],
  own: readonly string[],
  inputs: readonly SubjectInput[],
): Record<string, tf.Tensor> {
  if (holdsPromise(result))
    throw new UsageError(
      'exportOnnx: expected a tensor, a list of tensors or tensors by name from the function, got a promise; ' +
        'make it synchronous: await before it is exported, not in it',
    );
  const entries: [string | undefined, unknown][] =
    result instanceof tf.Tensor
      ? [[undefined, result]]
      : Array.isArray(result)
        ? result.map((tensor: unknown) => [undefined, tensor])
        : typeof result === 'object' && result !== null
          ? Object.entries(result)
          : [];
  if (entries.length === 0)
    throw new UsageError(
      `exportOnnx: expected a tensor, a list of tensors or tensors by name from the function, ` +
        `got ${describeValue(result)}`,
    );
  if (names.length > entries.length)
    throw new UsageError(`exportOnnx: expected at most ${entries.length} options.outputs, got ${names.length}`);
  const said = names.filter((name) => name !== undefined);
  const rest = entries.flatMap(([key], i) =>
    names[i] === undefined ? [key ?? own[i] ?? (entries.length === 1 ? 'output' : `output_${i}`)] : [],
  );
  const others = free(rest, new Set([...inputs.map(({ name }) => name), ...said]));
  const named = entries.map(([, tensor], i) => [names[i] ?? others.shift() ?? '', tensor] as const);
  const keys = named.map(([name]) => name);
  for (const name of keys) refuseName('output', name);
  if (new Set(keys).size !== keys.length)
    throw new UsageError(`exportOnnx: expected outputs of different names, got ${keys.join(', ')}`);
  return Object.fromEntries(named) as Record<string, tf.Tensor>; // trace checks that they are tensors
}
