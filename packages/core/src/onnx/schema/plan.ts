// The generated table in the form that reader and writer use: rows by field number, and empty messages.
import { SCHEMA, type Messages } from './onnx.js';
import type { NumberList, ScalarKind, Trait } from './table.js';

/** Name of a message of the schema. */
export type MessageName = keyof Messages;

/** One field of a message. */
export interface Row {
  readonly number: number;
  readonly name: string;
  /** The message type of one element; undefined if it is a scalar, described by `kind`. */
  readonly message: MessageName | undefined;
  readonly kind: ScalarKind;
  readonly repeated: boolean;
  readonly packed: boolean;
  readonly oneof: boolean;
  /** Wire type of one element. */
  readonly wire: number;
}

/** The rows of a message in writing order (by field number), and those of its oneof. */
export interface Plan {
  readonly rows: readonly Row[];
  readonly byNumber: ReadonlyMap<number, Row>;
  readonly oneof: readonly string[];
}

/** A message as the codecs see it: the table says what each property holds. */
export type Fields = Record<string, unknown>;

const WIRE: Readonly<Record<ScalarKind, number>> = {
  int64: 0, int32: 0, float: 5, string: 2, bytes: 2, 'int64[]': 0, 'string[]': 2, 'bytes[]': 2,
  Float32Array: 5, Float64Array: 1, Int32Array: 0, BigInt64Array: 0, BigUint64Array: 0,
};

/** Constructors of the typed arrays that hold repeated numbers. */
export const NUMBER_LIST: {
  readonly Float32Array: Float32ArrayConstructor;
  readonly Float64Array: Float64ArrayConstructor;
  readonly Int32Array: Int32ArrayConstructor;
  readonly BigInt64Array: BigInt64ArrayConstructor;
  readonly BigUint64Array: BigUint64ArrayConstructor;
} = { Float32Array, Float64Array, Int32Array, BigInt64Array, BigUint64Array } satisfies Record<NumberList, unknown>;

/** Whether a kind is a typed array. */
export function isNumberList(kind: ScalarKind): kind is NumberList {
  return kind.endsWith('Array');
}

const plans = new Map<MessageName, Plan>();

/** The plan of a message, made on first use. */
export function planOf(message: MessageName): Plan {
  let plan = plans.get(message);
  if (!plan) {
    const rows = Object.entries<readonly [number, string, Trait?]>(SCHEMA[message]).map(
      ([name, [number, kind, trait]]) => rowOf(name, number, kind, trait),
    );
    const oneof = rows.filter((row) => row.oneof).map((row) => row.name);
    plan = { rows, byNumber: new Map(rows.map((row) => [row.number, row])), oneof };
    plans.set(message, plan);
  }
  return plan;
}

function rowOf(name: string, number: number, text: string, trait?: Trait): Row {
  const element = text.replace('[]', '');
  const message = element in SCHEMA ? (element as MessageName) : undefined; // checked here
  const kind = message ? 'bytes' : (text as ScalarKind); // the table's type leaves nothing else
  const repeated = text.endsWith('[]') || isNumberList(kind);
  const packed = trait === 'packed';
  return { number, name, message, kind, repeated, packed, oneof: trait === 'oneof', wire: WIRE[kind] };
}

/** A message with no field set: repeated ones are empty lists. */
export function emptyMessage(message: MessageName): Fields {
  const fields: Fields = {};
  for (const { name, kind, repeated } of planOf(message).rows)
    if (repeated) fields[name] = isNumberList(kind) ? EMPTY[kind] : [];
  return fields;
}

/**
 * Empty typed arrays are immutable, so all messages share them: with five new ones, an empty tensor would take a
 * kilobyte.
 */
const EMPTY = {
  Float32Array: new Float32Array(0),
  Float64Array: new Float64Array(0),
  Int32Array: new Int32Array(0),
  BigInt64Array: new BigInt64Array(0),
  BigUint64Array: new BigUint64Array(0),
};
