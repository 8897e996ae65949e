// Guards tfjs while a function is traced: refuses to create or dispose variables, to dispose tensors from outside the
// trace, and to change the backend. Restores everything at the end.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { guardChance } from './chance.js';
import { TRACE_BACKEND, registerTraceKernels, TraceBackend } from './backend.js';
import { callSite } from '../tfjs/call-site.js';
import { dataInfo, internals, onBackend, override, type Engine } from '../tfjs/engine.js';
import { watchLayers, type LayerWatch } from './layers.js';
import type { Recorder } from './recorder.js';

let active: TraceBackend | undefined;

/** The trace in progress, if any: its recorder, and a function that makes a tensor for a recorded value. */
export function activeTrace(): { recorder: Recorder; tensor: (value: number) => tf.Tensor } | undefined {
  const backend = active;
  return backend === undefined
    ? undefined
    : { recorder: backend.recorder, tensor: (value) => tf.engine().makeTensorFromTensorInfo(backend.issue(value)) };
}

/** The error for a misuse, naming the user's line. */
function misuse(why: string): UsageError {
  const site = callSite();
  return new UsageError(`trace${site === undefined ? '' : `, at ${site}`}: ${why}`);
}

/**
 * Runs `fn` with tfjs recording into `recorder`; with `watching`, reads of sizes by the user's code are recorded too.
 * Clocks run ahead by `moved` ms. `fn` must be synchronous, and calls cannot be nested.
 */
export function recording<T>(recorder: Recorder, watching: boolean, moved: number, fn: () => T): T {
  if (active !== undefined) throw misuse('expected one trace at a time, got a trace inside a traced function');
  registerTraceKernels();
  const engine = tf.engine();
  const backend = new TraceBackend(recorder);
  const made: tf.Tensor[] = [];
  const undo: (() => void)[] = [];
  active = backend;
  try {
    const layers = watchLayers(recorder.layers);
    undo.push(isolateState(engine), layers.end);
    undo.push(...guards(engine, backend, made, watching), ...sparing(engine, backend, layers), assignments(recorder));
    undo.push(...guardChance(recorder.chance, moved));
    const result = onBackend(TRACE_BACKEND, backend, fn);
    recorder.keptFields.push(...layers.kept());
    return result;
  } finally {
    for (const step of undo.reverse()) step();
    // This includes tensors kept with tf.keep, because their data is meaningless outside the trace.
    for (const tensor of made) if (!tensor.isDisposed) tensor.dispose();
    active = undefined;
  }
}

/** Gives the trace its own scopes and tape: an outer tf.tidy or gradient neither sees nor disposes its tensors. */
function isolateState(engine: Engine): () => void {
  const { state } = engine;
  const { activeTape, gradientDepth, kernelDepth, activeScope, scopeStack } = state;
  Object.assign(state, { activeTape: [], gradientDepth: 0, kernelDepth: 0, activeScope: null, scopeStack: [] });
  return () => void Object.assign(state, { activeTape, gradientDepth, kernelDepth, activeScope, scopeStack });
}

/** Whether tfjs is recording: while constants are evaluated, another backend is current and tfjs behaves as usual. */
function isRecording(backend: TraceBackend): boolean {
  return internals().backendInstance === backend;
}

/**
 * Protects tensors from outside the trace. Disposing one is refused, except that a stateful layer may dispose a tensor
 * that it kept from an earlier call. That tensor stays alive, because the layer's fields are restored after the trace.
 */
function sparing(engine: Engine, backend: TraceBackend, layers: LayerWatch): (() => void)[] {
  const spared: tf.Tensor[] = [];
  const foreign = (tensor: tf.Tensor): boolean => {
    const info = dataInfo(tensor.dataId);
    return isRecording(backend) && info !== undefined && info.backend !== backend;
  };
  return [
    override(
      engine,
      'disposeTensor',
      (original) =>
        function (this: Engine, tensor) {
          if (!foreign(tensor)) original.call(this, tensor);
          else if (layers.holds(tensor)) spared.push(tensor);
          else
            throw misuse(
              'expected tensors from outside the traced function to be left alone, got one disposed in it; ' +
                'dispose it outside',
            );
        },
    ),
    () => {
      // tfjs sets this plain field after calling the engine.
      for (const tensor of spared) (tensor as unknown as { isDisposedInternal: boolean }).isDisposedInternal = false;
    },
  ];
}

function guards(engine: Engine, backend: TraceBackend, made: tf.Tensor[], watching: boolean): (() => void)[] {
  return [
    override(
      engine,
      'trackTensor',
      (original) =>
        function (this: Engine, tensor, on) {
          original.call(this, tensor, on);
          if (!isRecording(backend)) return;
          made.push(tensor);
          if (watching) backend.recorder.watch(tensor);
        },
    ),
    override(engine, 'disposeVariable', () => (variable) => {
      throw misuse(
        `expected variables to outlive the traced function, got ${variable.name} disposed in it; dispose it outside`,
      );
    }),
    override(engine, 'makeVariable', () => (_value, _trainable, name) => {
      throw misuse(
        `expected variables to exist before the trace, got ${name ?? 'one'} made in it; build layers and ` +
          'optimizer state first (call the function once eagerly, or make them outside)',
      );
    }),
    override(engine, 'setBackend', () => (name) => {
      throw misuse(`expected the backend to stay, got setBackend('${name}') in the traced function`);
    }),
    override(
      engine,
      'readSync',
      (original) =>
        function (this: Engine, dataId) {
          return isRecording(backend) ? backend.readSync(dataId) : original.call(this, dataId);
        },
    ),
    override(engine, 'read', () => (dataId) => backend.read(dataId)),
  ];
}

/** Only records an assignment: the variable keeps its data, and later reads in the trace see the new value. */
function assignments(recorder: Recorder): () => void {
  return override(
    tf.Variable.prototype,
    'assign',
    () =>
      function (this: tf.Variable, value) {
        const record = recorder.variable(this);
        if (value.dtype !== this.dtype || !tf.util.arraysEqual(value.shape, this.shape)) {
          throw misuse(
            `assign to ${this.name}: expected ${this.dtype}[${this.shape.join(',')}], got ` +
              `${value.dtype}[${value.shape.join(',')}]`,
          );
        }
        record.current = recorder.valueOf(value);
        record.site ??= callSite();
      },
  );
}
