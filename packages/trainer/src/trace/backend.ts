// The recording backend: a tfjs backend that computes nothing. It records every kernel call and returns a tensor that
// has only a shape.
import * as tf from '@tensorflow/tfjs';
import { traitsOf } from '../kernels/traits.js';
import type { KernelCall } from '../program/program.js';
import { kernelNames } from '../tfjs/engine.js';
import { innermostOps, insideDropout } from '../tfjs/scopes.js';
import { heldType, type Recorder } from './recorder.js';
import { SHAPE_RULES, shapeRule } from './shapes/index.js';
import { probe } from './shapes/refused.js';
import type { KernelInputs, TensorMeta } from './shapes/rule.js';

/** Name under which the kernels are registered. */
export const TRACE_BACKEND = 'forja-trace';

/**
 * Scope name of tf.eye, which fills its result element by element. It is recorded as calls instead of as one large
 * constant.
 */
const IDENTITY = 'eye__op';

/**
 * Maximum number of elements of a constant made in the traced function: 512 MiB as float32. An export holds several
 * copies of each constant in memory.
 */
const LARGE = 2 ** 27;

/** Records into one {@link Recorder}; a new one is made for each trace. */
export class TraceBackend extends tf.KernelBackend {
  private readonly counts = new WeakMap<object, number>();
  private live = 0;

  constructor(readonly recorder: Recorder) {
    super();
  }

  /** Describes a new tensor for a value, and counts it so that tfjs's memory check holds. */
  issue(value: number): tf.TensorInfo {
    const info = this.recorder.info(value, this.recorder.meta(value));
    this.counts.set(info.dataId, 1);
    this.live++;
    return info;
  }

  /** One kernel call. */
  run(
    kernel: string,
    inputs: tf.NamedTensorInfoMap | readonly tf.TensorInfo[],
    attrs: Record<string, unknown>,
  ): tf.TensorInfo | tf.TensorInfo[] {
    const { recorder } = this;
    const ids: KernelCall['inputs'] = Array.isArray(inputs)
      ? { inputs: (inputs as readonly tf.TensorInfo[]).map((t) => recorder.valueOf(t)) }
      : Object.fromEntries(
          present(inputs as tf.NamedTensorInfoMap).map(([name, t]) => [
            name,
            Array.isArray(t) ? t.map((x: tf.TensorInfo) => recorder.valueOf(x)) : recorder.valueOf(t),
          ]),
        );
    const metas: KernelInputs = Object.fromEntries(
      Object.entries(ids).map(([name, id]) => [
        name,
        Array.isArray(id) ? id.map((i) => recorder.meta(i)) : recorder.meta(id),
      ]),
    );
    const plain = structuredClone(attrs);
    let outputs;
    try {
      outputs = (shapeRule(kernel) ?? probe(kernel))(metas, plain);
    } catch (cause) {
      throw recorder.refuse(cause instanceof Error ? cause.message : String(cause), kernel, cause);
    }
    const infos = recorder.call(kernel, ids, plain, outputs).map((value) => this.issue(value));
    // For kernels that may return several tensors, tfjs expects a list, even of one.
    const listed = traitsOf(kernel).outputs !== undefined;
    return infos.length === 1 && infos[0] !== undefined && !listed ? infos[0] : infos;
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const meta = { shape: [...shape], dtype: heldType(dtype, 'a tensor made in the traced function') };
    if (innermostOps().at(-1) === IDENTITY) return this.issue(identity(meta, this.recorder)).dataId;
    if (values.length > LARGE)
      throw this.recorder.refuse(
        `expected constants of at most ${LARGE} numbers, got one of shape [${shape.join(', ')}]; compute it with ` +
          'tfjs ops, or pass it as an input',
      );
    const value = insideDropout()
      ? this.recorder.random(meta, { distribution: 'uniform' })
      : this.recorder.constant(values as ArrayLike<number> & tf.BackendValues, meta);
    return this.issue(value).dataId;
  }
  override readSync(dataId: object): tf.BackendValues {
    return this.recorder.read(dataId);
  }
  override read(dataId: object): Promise<tf.BackendValues> {
    return Promise.resolve(this.recorder.read(dataId));
  }
  override move(): void {
    throw this.recorder.refuse(
      'expected kernels that get their data only through their inputs, got a request to move data between backends',
    );
  }
  override incRef(dataId: object): void {
    this.counts.set(dataId, (this.counts.get(dataId) ?? 0) + 1);
  }
  override refCount(dataId: object): number {
    return this.counts.get(dataId) ?? 0;
  }
  override disposeData(dataId: object, force = false): boolean {
    const count = (this.counts.get(dataId) ?? 0) - 1;
    this.counts.set(dataId, Math.max(count, 0));
    if (count > 0 && !force) return false;
    if (count >= 0) this.live--;
    return true;
  }
  override numDataIds(): number {
    return this.live;
  }
  override memory(): { unreliable: boolean; reasons: string[] } {
    return { unreliable: true, reasons: ['a trace holds no data'] };
  }
  override floatPrecision(): 32 {
    return 32;
  }
  override dispose(): void {
    // holds no data
  }
}

/** The identity matrix as calls: as a constant, it would grow with the square of a dynamic size. */
function identity({ shape, dtype }: TensorMeta, recorder: Recorder): number {
  const call = (
    kernel: string,
    inputs: KernelCall['inputs'],
    attrs: Record<string, unknown>,
    meta: TensorMeta,
  ): number => recorder.call(kernel, inputs, attrs, [meta])[0] ?? -1;
  const [rows = 1, columns = 1] = shape;
  const [row, column] = [[rows, 1], [columns]].map((own) => {
    const length = own[0] ?? 1;
    const index = call(
      'Range',
      {},
      { start: 0, stop: length, step: 1, dtype: 'int32' },
      { shape: [length], dtype: 'int32' },
    );
    return call('Reshape', { x: index }, { shape: own }, { shape: own, dtype: 'int32' });
  });
  const same = call('Equal', { a: row ?? -1, b: column ?? -1 }, {}, { shape, dtype: 'bool' });
  return call('Cast', { x: same }, { dtype }, { shape, dtype });
}

/** The inputs that were given; optional ones arrive as undefined or null. */
function present(inputs: tf.NamedTensorInfoMap): [string, tf.TensorInfo][] {
  return Object.entries(inputs as Record<string, tf.TensorInfo | null | undefined>).filter(
    (entry): entry is [string, tf.TensorInfo] => entry[1] !== undefined && entry[1] !== null,
  );
}

const registered = new Set<string>();

/** Registers a recording kernel for every kernel name of tfjs and every name that a backend has registered so far. */
export function registerTraceKernels(): void {
  for (const kernelName of [...Object.keys(SHAPE_RULES), ...kernelNames()]) {
    if (registered.has(kernelName)) continue;
    registered.add(kernelName);
    tf.registerKernel({
      kernelName,
      backendName: TRACE_BACKEND,
      // The backend is the one that onBackend set; attributes are plain data.
      kernelFunc: ({ inputs, attrs, backend }) =>
        (backend as TraceBackend).run(kernelName, inputs, (attrs ?? {}) as Record<string, unknown>),
    });
  }
}
