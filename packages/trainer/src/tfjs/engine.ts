// The private parts of tfjs's engine that tracing, replaying and gradients need, and a synchronous change of backend
// built on them.
import * as tf from '@tensorflow/tfjs';

/** tfjs's engine object. */
export type Engine = ReturnType<typeof tf.engine>;

/** Fields of the engine that its types declare as private, or wrongly as always present. */
export interface EngineInternals {
  backendName: string | undefined;
  backendInstance: tf.KernelBackend | null | undefined;
  pendingBackendInit: unknown;
}

/**
 * The engine's private side. These are plain properties of tfjs 4's engine object; trace.test.ts would catch a change.
 */
export function internals(): EngineInternals {
  return tf.engine() as unknown as EngineInternals;
}

/**
 * tfjs's process-wide registries, read directly. tfjs's own functions list kernels one backend at a time, which would
 * cost every trace milliseconds. Undefined if this version of tfjs keeps the registries elsewhere.
 */
function registry<T>(name: 'kernelRegistry' | 'gradRegistry'): Map<string, T> | undefined {
  return (tf.env().global as { _tfGlobals?: Map<string, Map<string, T>> })._tfGlobals?.get(name);
}

/** Names of all kernels that are registered for any backend; most occur several times. */
export function kernelNames(): string[] {
  const kernels =
    registry<tf.KernelConfig>('kernelRegistry')?.values() ??
    tf
      .engine()
      .backendNames()
      .flatMap((backend) => tf.getKernelsForBackend(backend));
  return Array.from(kernels, ({ kernelName }) => kernelName);
}

/** Registers a gradient in place of the present one, without tfjs's warning in debug mode; undefined removes it. */
export function setGradient(name: string, config: tf.GradConfig | undefined): void {
  const gradients = registry<tf.GradConfig>('gradRegistry');
  if (gradients !== undefined)
    return void (config === undefined ? gradients.delete(name) : gradients.set(name, config));
  if ((tf.getGradient(name) as unknown) !== undefined) tf.unregisterGradient(name);
  if (config !== undefined) tf.registerGradient(config);
}

/** The engine's record of a tensor's data, if it is live. */
export function dataInfo(dataId: object): { backend: tf.KernelBackend } | undefined {
  return tf.engine().state.tensorInfo.get(dataId);
}

/**
 * Runs `fn` with `backend` as tfjs's current one, and restores the previous one, also when `fn` throws. tf.setBackend
 * is asynchronous and would let other code run in between. Debug output and profiling are off meanwhile: they read
 * values.
 */
export function onBackend<T>(name: string, backend: tf.KernelBackend, fn: () => T): T {
  const engine = internals();
  const { state } = tf.engine();
  const { backendName, backendInstance, pendingBackendInit } = engine;
  const { profiling } = state;
  const debug = tf.env().getBool('DEBUG');
  Object.assign(engine, {
    backendName: name,
    backendInstance: backend,
    pendingBackendInit: null,
  } satisfies EngineInternals);
  state.profiling = false;
  if (debug) tf.env().set('DEBUG', false);
  try {
    return fn();
  } finally {
    Object.assign(engine, { backendName, backendInstance, pendingBackendInit });
    state.profiling = profiling;
    if (debug) tf.env().set('DEBUG', true);
  }
}

/**
 * Replaces a method of an object. Returns a function that undoes it, whether the method was the object's own or
 * inherited.
 */
export function override<T extends object, K extends keyof T>(
  target: T,
  name: K,
  make: (original: T[K]) => T[K],
): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, {
    value: make(target[name]),
    configurable: true,
    writable: true,
    enumerable: own?.enumerable ?? false,
  });
  return () => {
    if (own === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, own);
  };
}

/** A kernel call on the tape; its gradient can be replaced. */
export interface TapeNode {
  gradient?: (dys: readonly tf.Tensor[]) => Record<string, () => tf.Tensor>;
}

/** A call that is added to the tape. `gradient`: the op's own gradient, if it has one. */
export interface TapedCall {
  kernel: string;
  inputs: Readonly<Record<string, tf.Tensor>>;
  gradient: unknown;
  saved: readonly tf.Tensor[];
  /** Names of the scopes that the call is in. */
  scopes: readonly string[];
}

/** The engine's tape: private in its types, but plain properties and a plain method. */
interface Taping {
  state: { activeTape: TapeNode[]; scopeStack: readonly { name: string }[] };
  addTapeNode: (
    kernel: string,
    inputs: TapedCall['inputs'],
    outputs: tf.Tensor[],
    gradient: unknown,
    saved: tf.Tensor[],
    attrs: object,
  ) => void;
}

/** Calls `seen` after each call that tfjs adds to its tape, with the new node. Returns a function that undoes it. */
export function watchTape(seen: (node: TapeNode, call: TapedCall) => void): () => void {
  return override(
    tf.engine() as unknown as Taping,
    'addTapeNode',
    (original) =>
      function (this: Taping, kernel, inputs, outputs, gradient, saved, attrs) {
        original.call(this, kernel, inputs, outputs, gradient, saved, attrs);
        const { activeTape, scopeStack } = this.state;
        const node = activeTape.at(-1);
        if (node !== undefined)
          seen(node, { kernel, inputs, gradient, saved, scopes: scopeStack.map(({ name }) => name) });
      },
  );
}
