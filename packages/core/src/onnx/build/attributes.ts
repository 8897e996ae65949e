// Converts attributes to AttributeProto. Their types are those of the specification, never guessed from the value
// (`alpha: 1` is a float).
import { UsageError } from '../../errors.js';
import { utf8 } from '../../platform.js';
import { ATTRIBUTE_TYPE, type Attribute } from '../ir.js';
import type { OpAttributes, OpName } from '../ops.js';
import type { AttributeValue } from '../infer/index.js';

/** Every attribute name of the vocabulary. One name has one type in all operators. */
export type AttributeName = { [K in OpName]: keyof OpAttributes[K] }[OpName];

/** Types of attributes that we write. */
export type AttributeKind = 'float' | 'int' | 'ints' | 'string';

/** The type of each attribute. */
export const ATTRIBUTE_KINDS: Readonly<Record<AttributeName, AttributeKind>> = {
  allowzero: 'int',
  alpha: 'float',
  antialias: 'int',
  approximate: 'string',
  auto_pad: 'string',
  axes: 'ints',
  axis: 'int',
  batch_axis: 'int',
  batch_dims: 'int',
  beta: 'float',
  blocksize: 'int',
  ceil_mode: 'int',
  coordinate_transformation_mode: 'string',
  count_include_pad: 'int',
  cubic_coeff_a: 'float',
  detect_negative: 'int',
  detect_positive: 'int',
  dilations: 'ints',
  end: 'int',
  epsilon: 'float',
  equation: 'string',
  exclude_outside: 'int',
  exclusive: 'int',
  extrapolation_value: 'float',
  fmod: 'int',
  gamma: 'float',
  group: 'int',
  keepdims: 'int',
  kernel_shape: 'ints',
  largest: 'int',
  mode: 'string',
  momentum: 'float',
  nearest_mode: 'string',
  noop_with_empty_axes: 'int',
  num_outputs: 'int',
  output_padding: 'ints',
  output_shape: 'ints',
  pads: 'ints',
  perm: 'ints',
  reduction: 'string',
  reverse: 'int',
  select_last_index: 'int',
  sorted: 'int',
  start: 'int',
  stash_type: 'int',
  storage_order: 'int',
  strides: 'ints',
  time_axis: 'int',
  to: 'int',
  training_mode: 'int',
  transA: 'int',
  transB: 'int',
  upper: 'int',
};

const writers: Readonly<Record<AttributeKind, (value: AttributeValue) => Partial<Attribute> | undefined>> = {
  float: (value) => (typeof value === 'number' ? { f: Math.fround(value) } : undefined),
  int: (value) => (typeof value === 'number' && Number.isSafeInteger(value) ? { i: BigInt(value) } : undefined),
  ints: (value) =>
    Array.isArray(value) && value.every(Number.isSafeInteger)
      ? { ints: BigInt64Array.from(value, (n: number) => BigInt(n)) }
      : undefined,
  string: (value) => (typeof value === 'string' ? { s: utf8(value) } : undefined),
};

/** An attribute. Throws UsageError for an unknown name or a value of another type. */
export function attribute(where: string, name: string, value: AttributeValue): Attribute {
  if (!Object.hasOwn(ATTRIBUTE_KINDS, name))
    throw new UsageError(`${where}: expected an attribute of the operator, got '${name}'`);
  const kind = ATTRIBUTE_KINDS[name as AttributeName]; // checked above
  const written = writers[kind](value) ?? refuse(`${where}: ${name}: expected ${kind}, got ${JSON.stringify(value)}`);
  return {
    name,
    type: ATTRIBUTE_TYPE[kind],
    floats: new Float32Array(0),
    ints: new BigInt64Array(0),
    strings: [],
    tensors: [],
    graphs: [],
    sparseTensors: [],
    typeProtos: [],
    ...written,
  };
}

function refuse(message: string): never {
  throw new UsageError(message);
}
