// All operations of an executor, as one table of handlers. Calls on sessions must not overlap (that would freeze
// onnxruntime's WebGPU build); the runtime's queue ensures that.
import {
  checkModelBytes,
  DeviceError,
  externalLocations,
  Fifo,
  ForjaError,
  LARGE,
  manifestFor,
  ModelFormatError,
  UsageError,
  inPrecision,
} from '@forja/core';
import type { DeviceReport, Preparation } from '@forja/core';
import type { PostedSessionOptions } from '../protocol.js';
import type { Handlers } from './contract.js';
import { fetchModel } from './fetch.js';
import type { Device } from './devices/index.js';
import { ladder } from './ladder.js';
import type { Ladder, Rung } from './ladder.js';
import { startBuild } from './ort.js';
import type { Builds, OrtBuild } from './ort.js';
import { WorkerSession } from './session.js';
import type { ModelFiles } from './session.js';
import { Slots } from './slots.js';
import { TwoFormSession } from './two-form-session.js';
import type { OpenSession } from './two-form-session.js';

/** Kind of executor, and its builds. */
export interface ExecutorParts {
  executor: 'worker' | 'inline';
  builds: Builds;
  wasmFile?: string;
  /** Rewrites that may be applied to a model before it is opened. */
  passes?: () => Promise<typeof import('../lower.js')>;
  /** Prepares a model's second form, for large batches. */
  prepare?: (model: Blob) => Preparation;
  /** Waits until what `prepare` started has ended. */
  prepared?: () => Promise<void>;
}

/** Handlers of a new, empty executor. */
export function createExecutor({ executor, builds, wasmFile, passes, prepare, prepared }: ExecutorParts): Handlers {
  const started = new Map<Device, Promise<OrtBuild>>();
  const sessions = new Map<number, OpenSession>();
  /** Runs calls, and opens second forms, one at a time. The runtime's queue knows nothing of second forms. */
  const turns = new Fifo();
  const shared = new Map<number, Slots>();
  let next = 1;
  let opened: { requested: DeviceReport['requested']; threads: number | undefined; ladder: Ladder } | undefined;

  const build = (device: Device): Promise<OrtBuild> => {
    let starting = started.get(device);
    if (!starting)
      started.set(device, (starting = startBuild(builds, device, device.threads(opened?.threads), wasmFile)));
    return starting;
  };

  const report = ({ device, found }: Rung, reasons: readonly string[]): DeviceReport => ({
    requested: opened?.requested ?? 'auto',
    actual: device.name,
    reasons: [...reasons],
    ...(found.adapter === undefined ? {} : { adapter: found.adapter }),
    threads: device.threads(opened?.threads),
    crossOriginIsolated: globalThis.crossOriginIsolated,
    executor,
    placement: {},
    cpuOps: [],
  });

  const session = (id: number): OpenSession => {
    const found = sessions.get(id);
    if (!found) throw new ForjaError('disposed', 'session: it has been disposed');
    return found;
  };

  const slots = (id: number): Slots => {
    const found = shared.get(id);
    if (!found) throw new ForjaError('disposed', 'state: it has been disposed');
    return found;
  };

  const open = (
    using: OrtBuild,
    files: ModelFiles,
    device: DeviceReport,
    options: PostedSessionOptions,
  ): Promise<WorkerSession> => turns.add(() => WorkerSession.create(using, files, device, options, slots));

  /** The model in the requested precision if possible; else `exact`, whose report says why not. */
  const precise = async (
    exact: WorkerSession,
    rung: Rung,
    { model, external }: ModelFiles,
    device: DeviceReport,
    options: PostedSessionOptions,
  ): Promise<WorkerSession> => {
    const obstacle =
      rung.device.withoutHalf(rung.found) ??
      (!passes
        ? 'models are converted in the worker only'
        : options.state
          ? 'models with state keep their precision'
          : undefined);
    return inPrecision(exact, {
      asked: options.precision ?? 'auto',
      strict: options.strict ?? false,
      model,
      obstacle,
      openHalf: async () => {
        const half = (await passes?.())?.halfModelBytes(model, external);
        if (half === undefined) return undefined;
        const using = await build(rung.device);
        return open(using, { model: half, external: new Map() }, { ...device, precision: 'fp16' }, options);
      },
    });
  };

  return {
    open: async ({ device, threads }) => {
      opened = { requested: device, threads, ladder: await ladder(device, builds) };
      const [first] = opened.ladder.rungs;
      if (!first) throw new DeviceError('device.unavailable', `device '${device}': nothing to try`);
      return report(first, [...opened.ladder.reasons, ...first.device.threadNotes(threads)]);
    },

    fetch: fetchModel,

    create: async ({ model, external: files = new Map<string, Blob>(), options }, { progress }) => {
      if (!opened) throw new ForjaError('internal', 'worker: create before open');
      const bytes = await bytesOf(model);
      checkModelBytes(bytes);
      const missing = externalLocations(bytes).find((location) => !files.has(location));
      if (missing !== undefined)
        throw new ModelFormatError(
          'model.notFound',
          `model: expected its external data '${missing}', got none: ` +
            `load the model from an address whose folder has that file`,
        );
      const external = await filesOf(files);
      const reasons = [...opened.ladder.reasons];
      const { rungs } = opened.ladder;
      for (const [i, rung] of rungs.entries()) {
        try {
          const notes = rung.device.threadNotes(opened.threads, options.threads);
          // Convolutions are not replaced in models with state, which may be bound to names that the rewrite would
          // change.
          const asked = options.lowering === 'auto' && rung.device.lowers && !options.state;
          if (asked && !passes) notes.push('convolutions: unchanged, because they are replaced in the worker only');
          const { rows } = options;
          const two = asked && rows !== undefined && prepare;
          const lowered = asked && rows === undefined ? (await passes?.())?.fastModelBytes(bytes) : undefined;
          const device = {
            ...report(rung, [...reasons, ...notes]),
            ...(lowered ? { convolutions: lowered.convolutions } : {}),
          };
          const using = await build(rung.device);
          const exact = await open(using, { model: lowered?.bytes ?? bytes, external }, device, options);
          const plain = await precise(exact, rung, { model: bytes, external }, device, options);
          const id = next++;
          let made: OpenSession = plain;
          if (two) {
            const forms = new TwoFormSession({
              plain,
              model,
              prepare,
              open: async (fast) => open(using, { model: fast, external: await filesOf(files) }, device, options),
              free: (form) => turns.add(() => form.release()),
              onChange: () => sessions.has(id) && progress({ device: forms.device }),
            });
            if (rows >= LARGE) await forms.prepare();
            made = forms;
          }
          sessions.set(id, made);
          return { session: id, inputs: made.inputs, outputs: made.outputs, device: made.device };
        } catch (error) {
          // Report the error of the last device, a mistake in the call (which no other device fixes), or a lost device
          // (for which another executor is started).
          if (
            i === rungs.length - 1 ||
            !(error instanceof ForjaError) ||
            error instanceof UsageError ||
            error.code === 'device.lost'
          )
            throw error;
          reasons.push(`${rung.device.name}: ${error.message}`);
        }
      }
      throw new DeviceError('device.unavailable', reasons.join('; '));
    },

    identify: async ({ given, own, inputs, outputs }) => manifestFor(given, own, inputs, outputs),
    run: ({ session: id, feeds, outputs }) => turns.add(() => session(id).run(feeds, outputs)),
    readState: ({ session: id, names }) => session(id).readState(names),
    writeState: async ({ session: id, values }) => (session(id).writeState(values), null),
    release: async ({ session: id }) => {
      const found = sessions.get(id);
      sessions.delete(id);
      if (found?.holdsDevice) for (const state of shared.values()) await state.toCpu();
      await found?.release();
      return null;
    },
    makeShared: async ({ tensors }) => {
      const id = next++;
      shared.set(id, Slots.of(tensors));
      return { shared: id };
    },
    readShared: ({ shared: id, names }) => slots(id).read(names),
    writeShared: async ({ shared: id, values }) => (slots(id).write(values), null),
    freeShared: async ({ shared: id }) => {
      shared.get(id)?.free();
      shared.delete(id);
      return null;
    },
    close: async () => {
      for (const open of sessions.values()) await open.release();
      sessions.clear();
      shared.clear();
      await prepared?.();
      return null;
    },
  };
}

async function filesOf(files: ReadonlyMap<string, Blob>): Promise<Map<string, Uint8Array>> {
  const external = new Map<string, Uint8Array>();
  for (const [location, file] of files) external.set(location, await bytesOf(file));
  return external;
}

async function bytesOf(model: Blob): Promise<Uint8Array> {
  try {
    return new Uint8Array(await model.arrayBuffer());
  } catch (cause) {
    throw new ForjaError(
      'io',
      `model: its bytes can no longer be read (was the file changed or removed?): ${String(cause)}`,
      { cause },
    );
  }
}
