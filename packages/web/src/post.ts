// Makes tensors fit for posting to the worker. Posting a view clones its whole buffer, and onnxruntime takes no shared memory: both get a tight copy.
import type { NamedTensors, SessionOptions, Tensor, TypedArray } from '@forja/core';
import type { PostedSessionOptions } from './protocol.js';

/** Bytes in a buffer of their own size. */
export function postableBytes(bytes: Uint8Array): Uint8Array {
  return isTight(bytes) ? bytes : bytes.slice();
}

/** A tensor in a buffer of its own size. */
export function postable(tensor: Tensor): Tensor {
  // Every Tensor holds one of the typed arrays of tensor.ts; the contract's type is wider.
  return { dtype: tensor.dtype, shape: [...tensor.shape], data: isTight(tensor.data) ? tensor.data : (tensor.data as TypedArray).slice() };
}

/** {@link postable} of each. */
export function postableAll(tensors: NamedTensors): NamedTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, value]) => [name, postable(value)]));
}

/** Options with copies of all data: what the caller does with its own afterwards is not seen, however long the worker takes to start. */
export function ownedOptions(options: SessionOptions): SessionOptions {
  const { external, state } = options;
  return {
    ...options,
    ...(external ? { external: new Map([...external].map(([path, bytes]) => [path, new Uint8Array(bytes)])) } : {}),
    ...(state ? { state: Object.fromEntries(Object.entries(state).map(([input, { output, initial }]) => [input, { output, initial: { ...initial, data: (initial.data as TypedArray).slice() } }])) } : {}),
  };
}

/** The part of session options that the worker heeds. */
export function postableOptions({ threads, strict, external, state }: SessionOptions): PostedSessionOptions {
  const bindings = state && Object.fromEntries(Object.entries(state).map(([input, { output, initial }]) => [input, { output, initial: postable(initial) }]));
  return {
    ...(threads === undefined ? {} : { threads }),
    ...(strict === undefined ? {} : { strict }),
    ...(external ? { external: new Map([...external].map(([path, bytes]) => [path, postableBytes(bytes)])) } : {}),
    ...(bindings ? { state: bindings } : {}),
  };
}

function isTight(view: ArrayBufferView): boolean {
  return view.buffer instanceof ArrayBuffer && view.byteLength === view.buffer.byteLength;
}
