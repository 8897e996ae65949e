// Checks a tfjs model.json, which is untrusted text: its fields, and whether its weights match its topology.
import { ModelFormatError } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';

/** One group of the manifest: tensors that are stored one after another in the group's files. */
export interface WeightGroup {
  paths: string[];
  weights: tf.io.WeightsManifestEntry[];
}

/** The parts of model.json that are read. */
export interface ModelJson {
  format?: string;
  modelTopology: Record<string, unknown>;
  weightsManifest: WeightGroup[];
  [field: string]: unknown;
}

/** Files that are not JSON, by their first bytes, with a description and what to do. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/^\s*</, 'HTML or XML'],
  [/^\u0089HDF/, 'a Keras HDF5 file; convert it with tensorflowjs_converter first'],
  [/^PK/, 'a zip archive (a .keras file?); unpack or convert it first'],
  [/^[\s\S]{0,64}(pytorch|tf2onnx|onnx|forja)/, 'what looks like an ONNX file: it needs no export'],
  [/^\s*$/, 'an empty file'],
];

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses model.json. @throws ModelFormatError `model.format` that says what the file is instead. */
export function parseModelJson(text: string, name: string): ModelJson {
  const wrong = (got: string, cause?: unknown): never => {
    throw new ModelFormatError(
      'model.format',
      `${name}: expected a tfjs model.json (modelTopology and weightsManifest), got ${got}`,
      { cause },
    );
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return wrong(OTHERS.find(([pattern]) => pattern.test(text))?.[1] ?? 'something that is not JSON', cause);
  }
  if (!isObject(json)) return wrong('other JSON');
  const { modelTopology, weightsManifest, format } = json;
  if (format !== undefined && format !== 'layers-model' && format !== 'graph-model')
    return wrong(`the format ${JSON.stringify(format)}; layers-model and graph-model are supported`);
  if (!isObject(modelTopology))
    return wrong(
      json['class_name'] === undefined
        ? 'JSON without modelTopology'
        : 'a Keras topology without weights; convert the model with tensorflowjs_converter, or save it with model.save',
    );
  if (format === 'graph-model' && !Array.isArray(modelTopology['node']))
    return wrong("the format 'graph-model' with a topology that has no nodes, like that of a layers-model");
  if (isKeras3(modelTopology))
    return wrong(
      'a topology that Keras 3 wrote, which tfjs cannot read; ' +
        'save the model with Keras 2 (tf_keras, TF_USE_LEGACY_KERAS=1) ' +
        'or convert it with --output_format=tfjs_graph_model',
    );
  const groups: unknown[] = Array.isArray(weightsManifest) ? weightsManifest : wrong('JSON without weightsManifest');
  for (const group of groups) {
    const { paths, weights } = (group ?? {}) as Record<string, unknown>;
    if (!Array.isArray(paths) || !paths.every((p) => typeof p === 'string') || !Array.isArray(weights))
      return wrong('a weightsManifest without paths and weights');
    for (const spec of weights as unknown[]) {
      const { name: weight, shape, dtype, quantization } = (spec ?? {}) as Record<string, unknown>;
      if (quantization !== undefined && !isQuantization(quantization))
        return wrong(
          `the weight '${String(weight)}' with the quantization ${JSON.stringify(quantization).slice(0, 80)}; ` +
            'uint8 and uint16 with min and scale, and float16 are supported',
        );
      const sizes = Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && Number(n) >= 0);
      if (typeof weight !== 'string' || !sizes || typeof dtype !== 'string')
        return wrong(`a weight without name, shape and dtype: ${JSON.stringify(spec).slice(0, 120)}`);
    }
  }
  return json as ModelJson; // its parts were checked above
}

/**
 * Keras 3 is recognised by its layers, which have a `module` and a `registered_name`. (It also writes `batch_shape`
 * instead of `batch_input_shape`.)
 */
function isKeras3(topology: Record<string, unknown>): boolean {
  const inner = topology['model_config'] ?? topology;
  const config = isObject(inner) ? inner['config'] : undefined;
  const layers = isObject(config) ? config['layers'] : undefined;
  return (
    Array.isArray(layers) && layers.some((layer) => isObject(layer) && 'module' in layer && 'registered_name' in layer)
  );
}

function isQuantization(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { dtype, min, scale } = value;
  return (
    dtype === 'float16' ||
    ((dtype === 'uint8' || dtype === 'uint16') && typeof min === 'number' && typeof scale === 'number')
  );
}

/** Whether the topology is a TensorFlow graph; otherwise it is a tf.layers model. */
export function isGraphJson({ format, modelTopology }: ModelJson): boolean {
  return format === 'graph-model' || (format === undefined && Array.isArray(modelTopology['node']));
}

const BYTES: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  uint8: 1,
  uint16: 2,
  float16: 2,
  bool: 1,
  complex64: 8,
};

/** Bytes of a group's tensors, quantised or not; undefined where strings make it unknown. */
function bytesOfGroup({ weights }: WeightGroup): number | undefined {
  if (weights.some(({ dtype }) => dtype === 'string')) return undefined;
  return weights.reduce(
    (sum, { shape, dtype, quantization }) =>
      sum + shape.reduce((a, b) => a * b, 1) * (BYTES[quantization?.dtype ?? dtype] ?? 4),
    0,
  );
}

/**
 * Checks that a group's files have the right length: tfjs silently reads past the end of short ones and ignores the
 * rest of long ones. `lengths`: bytes of each file.
 */
export function checkLengths(name: string, group: WeightGroup, lengths: readonly number[]): void {
  const wanted = bytesOfGroup(group);
  const got = lengths.reduce((a, b) => a + b, 0);
  if (wanted === undefined || wanted === got) return;
  const odd = oddFile(lengths);
  const files =
    group.paths.length === 1
      ? (group.paths[0] ?? '')
      : odd === undefined
        ? group.paths.map((path, i) => `${path} (${lengths[i] ?? 0})`).join(', ')
        : (group.paths[odd] ?? '');
  const last = got < wanted ? endsIn(group, got) : undefined;
  const what =
    got < wanted
      ? `is cut short${last === undefined ? '' : `; it ends inside the weight '${last}'`}`
      : 'is too long: it belongs to another model, or was written twice';
  throw new ModelFormatError(
    got < wanted ? 'model.truncated' : 'model.format',
    `${name}: expected ${wanted} bytes of weights in ` +
      `${group.paths.length === 1 ? 'its file' : `${group.paths.length} files`}, got ${got}: ${files} ${what}`,
  );
}

/**
 * Converters cut weights into files of equal length, except for the last. Returns the index of the only file that
 * breaks this rule; if none does, of the last file, which may be too short. Undefined for a single file, or if several
 * break the rule.
 */
function oddFile(lengths: readonly number[]): number | undefined {
  const [first = 0, second] = lengths;
  const full = Math.max(first, second ?? 0);
  const odd = lengths.flatMap((length, i) => (i < lengths.length - 1 && length !== full ? [i] : []));
  return odd.length === 1 ? odd[0] : odd.length === 0 && lengths.length > 1 ? lengths.length - 1 : undefined;
}

/** The weight in which data of this length ends. */
function endsIn({ weights }: WeightGroup, length: number): string | undefined {
  let at = 0;
  return weights.find(
    ({ shape, dtype, quantization }) =>
      (at += shape.reduce((a, b) => a * b, 1) * (BYTES[quantization?.dtype ?? dtype] ?? 4)) > length,
  )?.name;
}

/**
 * Checks that each constant of a graph is in the manifest; tfjs would fail later, with a message that does not name the
 * cause.
 */
export function checkGraphWeights(name: string, json: ModelJson): void {
  const specs = new Map(
    json.weightsManifest.flatMap(({ weights }) => weights.map((weight) => [weight.name, weight] as const)),
  );
  const nodes = Array.isArray(json.modelTopology['node'])
    ? (json.modelTopology['node'] as {
        name?: string;
        op?: string;
        attr?: Record<string, { tensor?: { tensorShape?: { dim?: { size?: string | number }[] } } }>;
      }[])
    : [];
  for (const { name: node = '', op, attr } of nodes) {
    if (op !== 'Const') continue;
    const spec = specs.get(node);
    if (spec === undefined)
      throw new ModelFormatError(
        'model.format',
        `${name}: expected a weight '${node}' in the weightsManifest, as the topology names it, got none; ` +
          'topology and weights are of different models',
      );
    // protobuf's JSON omits zeros
    const dims = attr?.['value']?.tensor?.tensorShape?.dim?.map(({ size = 0 }) => Number(size));
    if (dims !== undefined && dims.reduce((a, b) => a * b, 1) !== spec.shape.reduce((a, b) => a * b, 1)) {
      throw new ModelFormatError(
        'model.format',
        `${name}: expected the weight '${node}' of shape [${dims.join(', ')}], as the topology says, got ` +
          `[${spec.shape.join(', ')}] in the weightsManifest`,
      );
    }
  }
}
