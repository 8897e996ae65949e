// Writes config.pbtxt of a Triton model, the description of an ONNX file that Triton (and KServe's Triton runtime)
// needs. Fields as in Triton's model_config.proto, in text protobuf.
import { ModelFormatError, type DType, type Manifest } from '@forja/core';
import { DATA_TYPE, type Graph, type ValueInfo } from '@forja/core/onnx';

/** How the server should run the model. */
export interface RepositoryOptions {
  /** Name of the model, and of its folder. */
  name: string;
  /** Maximum rows per run. */
  maxBatch: number;
  /** Microseconds that a request waits for others to share its run. */
  delayUs: number;
  /** Copies of the model on each device. */
  instances: number;
  device: 'cpu' | 'gpu';
}

/** An enum value, which is written without quotes. */
class Enum {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** A field's value, or the values of a repeated field. */
type Field = number | boolean | Enum | string | Message | readonly Field[];
interface Message {
  [field: string]: Field | undefined;
}

/** An input or output of the model, without its batch axis if any. */
export interface Port {
  name: string;
  type: string;
  /** -1 means any size. */
  dims: readonly number[];
  dtype: DType;
}

const TYPE: Readonly<Record<DType, string>> = {
  float32: 'TYPE_FP32',
  float16: 'TYPE_FP16',
  int32: 'TYPE_INT32',
  int64: 'TYPE_INT64',
  uint8: 'TYPE_UINT8',
  int8: 'TYPE_INT8',
  bool: 'TYPE_BOOL',
};
const DTYPE = new Map(Object.entries(DATA_TYPE).map(([name, value]) => [value as number, name]));

/**
 * The file's text, and whether requests share runs: only if the first axis of every input and output is the same
 * dynamic batch.
 */
export function configOf(
  graph: Graph,
  manifest: Manifest | undefined,
  options: RepositoryOptions,
): { text: string; batched: boolean } {
  const { inputs: takes, outputs: gives, batched } = portsOf(graph, options.maxBatch);
  const roles = new Map(manifest?.inputs.map(({ name, role }) => [name, role]));
  const message: Message = {
    name: options.name,
    backend: 'onnxruntime',
    max_batch_size: batched ? options.maxBatch : 0,
    input: takes.map(tensorOf),
    output: gives.map(tensorOf),
    instance_group: [{ count: options.instances, kind: new Enum(options.device === 'gpu' ? 'KIND_GPU' : 'KIND_CPU') }],
    ...(batched ? { dynamic_batching: { max_queue_delay_microseconds: options.delayUs } } : {}),
    // Triton warms up before it reports ready, as `forja serve` does; not if the caller chooses the sizes of inputs.
    ...(takes.every(({ dims }) => dims.every((dim) => dim > 0)) ? { model_warmup: [warmupOf(takes, roles)] } : {}),
  };
  return { text: `${linesOf(message).join('\n')}\n`, batched };
}

/** Inputs and outputs of a model, and whether requests share runs. */
export function portsOf(graph: Graph, maxBatch: number): { inputs: Port[]; outputs: Port[]; batched: boolean } {
  const constants = new Set(graph.initializers.map(({ name }) => name));
  const inputs = graph.inputs.filter(({ name }) => !constants.has(name));
  const batched = maxBatch > 1 && isBatched(inputs, graph.outputs);
  const ports = (list: readonly ValueInfo[]): Port[] => list.map((value) => portOf(value, batched));
  return { inputs: ports(inputs), outputs: ports(graph.outputs), batched };
}

/**
 * Whether several requests can be rows of one run: the first size is dynamic, and has the same name in all inputs and
 * in those outputs that name it.
 */
function isBatched(inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): boolean {
  const firsts = inputs.map(({ type }) => type?.tensor?.shape?.dims[0]);
  const [first] = firsts;
  if (!first?.param || firsts.some((dim) => dim?.param !== first.param)) return false;
  return outputs.every(({ type }) => {
    const dim = type?.tensor?.shape?.dims[0];
    return dim !== undefined && dim.value === undefined && (dim.param ?? first.param) === first.param;
  });
}

function portOf({ name = '', type }: ValueInfo, batched: boolean): Port {
  const dtype = DTYPE.get(type?.tensor?.elemType ?? 0);
  const shape = type?.tensor?.shape;
  if (dtype === undefined || !Object.hasOwn(TYPE, dtype))
    throw new ModelFormatError(
      'model.unsupported',
      `${name}: expected a tensor of ${Object.keys(TYPE).join(', ')}, got ${dtype ?? 'another type'}`,
    );
  if (!shape)
    throw new ModelFormatError(
      'model.format',
      `${name}: expected a shape, which a model repository must state, got none`,
    );
  const dims = shape.dims.slice(batched ? 1 : 0).map(({ value }) => (value === undefined ? -1 : Number(value)));
  return { name, type: TYPE[dtype as DType], dims, dtype: dtype as DType }; // checked above
}

/** `dims` may not be empty: a scalar per row is declared as a list of one, with a reshape. */
function tensorOf({ name, type, dims }: Port): Message {
  return {
    name,
    data_type: new Enum(type),
    dims: dims.length > 0 ? dims : [1],
    ...(dims.length > 0 ? {} : { reshape: { shape: [] } }),
  };
}

/** A request for the warm-up. Labels and inputs that are not floats are zeros; other inputs are random. */
function warmupOf(inputs: readonly Port[], roles: ReadonlyMap<string, string>): Message {
  const random = ({ name, dtype }: Port): boolean =>
    (dtype === 'float32' || dtype === 'float16') && roles.get(name) !== 'label';
  return {
    name: 'one',
    batch_size: 1,
    inputs: inputs.map((port) => ({
      key: port.name,
      value: {
        data_type: new Enum(port.type),
        dims: port.dims.length > 0 ? port.dims : [1],
        ...(random(port) ? { random_data: true } : { zero_data: true }),
      },
    })),
  };
}

/** Text protobuf, one field per line; lists of numbers on one line. */
function linesOf(message: Message): string[] {
  return Object.entries(message).flatMap(([field, value]): string[] => {
    if (value === undefined) return [];
    // isArray does not narrow readonly arrays
    if (!Array.isArray(value)) return fieldOf(field, value as Exclude<Field, readonly Field[]>);
    const list = value as readonly Field[];
    if (list.every((item) => typeof item === 'number')) return [`${field}: [${list.join(', ')}]`];
    // lists of lists do not exist
    return list.flatMap((item) => fieldOf(field, item as Exclude<Field, readonly Field[]>));
  });
}

function fieldOf(field: string, value: Exclude<Field, readonly Field[]>): string[] {
  if (typeof value === 'number' || typeof value === 'boolean') return [`${field}: ${value}`];
  if (typeof value === 'string') return [`${field}: ${quoted(value)}`];
  if (value instanceof Enum) return [`${field}: ${value.name}`];
  return [`${field} {`, ...linesOf(value).map((line) => `  ${line}`), '}'];
}

/** A quoted string with C escapes, because names of models are untrusted. Non-ASCII characters as octal UTF-8 bytes. */
function quoted(text: string): string {
  const escaped = (byte: number): string => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
  };
  return `"${[...Buffer.from(text)].map(escaped).join('')}"`;
}
