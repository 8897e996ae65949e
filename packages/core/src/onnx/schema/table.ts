// The types that tie the generated table to ir.ts: a field that is missing in the IR, or of another type, does not
// compile.

/** Typed arrays that hold repeated numbers. */
export type NumberList = 'Float32Array' | 'Float64Array' | 'Int32Array' | 'BigInt64Array' | 'BigUint64Array';

/** Kinds that are not messages of the schema. `int64[]` is bigints in a plain array; enums are `int32`. */
export type ScalarKind =
  | 'int64'
  | 'int32'
  | 'float'
  | 'string'
  | 'bytes'
  | 'int64[]'
  | 'string[]'
  | 'bytes[]'
  | NumberList;

/**
 * `packed`: written as one run of numbers (both forms are read). `oneof`: setting it unsets the other such fields of
 * the message.
 */
export type Trait = 'packed' | 'oneof';

/** Exact type equality: interfaces of optional fields would be assignable to each other. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

type MessageOf<Messages, V> = {
  [M in keyof Messages]: Same<Messages[M], V> extends true ? M : never;
}[keyof Messages] &
  string;

type KindOf<Messages, V> =
  V extends Float32Array ? 'Float32Array'
  : V extends Float64Array ? 'Float64Array'
  : V extends Int32Array ? 'Int32Array'
  : V extends BigInt64Array ? 'BigInt64Array'
  : V extends BigUint64Array ? 'BigUint64Array'
  : V extends Uint8Array ? 'bytes'
  : V extends bigint ? 'int64'
  : V extends number ? 'int32' | 'float'
  : V extends string ? 'string'
  : V extends (infer E)[] ? `${Extract<KindOf<Messages, E>, string>}[]`
  : MessageOf<Messages, V>;

/** Fields of the IR that onnx.proto lacks. */
type Extra = 'unknown' | 'nanBits';

/** The rows of one message: every field of its interface. */
export type Table<Messages, T> = {
  readonly [K in Exclude<keyof T, Extra>]-?:
    | readonly [number, KindOf<Messages, NonNullable<T[K]>>]
    | readonly [number, KindOf<Messages, NonNullable<T[K]>>, Trait];
};
