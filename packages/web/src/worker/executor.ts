// All that the worker does, as one table from operation to handler. Everything that touches onnxruntime goes through one queue:
// overlapping runs or creates freeze its WebGPU build.
import { checkModelBytes, DeviceError, ForjaError, manifestFor, UsageError } from '@forja/core';
import type { DeviceReport, Manifest } from '@forja/core';
import type { LoadProgress, Operation, Operations, PostedModel } from '../protocol.js';
import { ladder } from './ladder.js';
import type { Ladder, Rung } from './ladder.js';
import { examine } from './examine.js';
import { startBuild, wasmThreads, webgpuBuild } from './ort.js';
import type { OrtBuild } from './ort.js';
import { Serial } from './serial.js';
import { WorkerSession } from './session.js';
import { readSource } from './source.js';

/** What a handler is given beside its arguments. */
export interface CallContext {
  signal: AbortSignal;
  progress(progress: LoadProgress): void;
}

/** One handler for each operation. */
export type Handlers = { readonly [K in Operation]: (args: Operations[K][0], context: CallContext) => Promise<Operations[K][1]> };

/** Handlers over a fresh, empty executor. */
export function createExecutor(): Handlers {
  const queue = new Serial();
  const builds = new Map<OrtBuild['name'], Promise<OrtBuild>>();
  const sessions = new Map<number, WorkerSession>();
  const models = new Map<number, { bytes: Uint8Array; manifest?: Manifest | undefined }>();
  const manifests = new WeakMap<WorkerSession, Manifest>();
  let next = 1;
  let opened: { requested: DeviceReport['requested']; threads: number | undefined; ladder: Ladder } | undefined;

  const build = (rung: Rung): Promise<OrtBuild> => {
    const name = rung.device === 'wasm' ? 'wasm' : webgpuBuild();
    let started = builds.get(name);
    if (!started) builds.set(name, (started = startBuild(name, rung.device === 'wasm' ? wasmThreads(opened?.threads) : 1)));
    return started;
  };

  const report = (rung: Rung, reasons: readonly string[]): DeviceReport => ({
    requested: opened?.requested ?? 'auto',
    actual: rung.device,
    reasons: [...reasons],
    ...(rung.adapter === undefined ? {} : { adapter: rung.adapter }),
    threads: rung.device === 'wasm' ? wasmThreads(opened?.threads) : 1,
    crossOriginIsolated: globalThis.crossOriginIsolated,
    executor: 'worker',
    placement: {},
    cpuOps: [],
  });

  const session = (id: number): WorkerSession => {
    const found = sessions.get(id);
    if (!found) throw new ForjaError('disposed', 'session: it has been disposed');
    return found;
  };

  const take = (model: PostedModel): { bytes: Uint8Array; manifest?: Manifest | undefined } => {
    if ('bytes' in model) return model;
    const held = models.get(model.held);
    if (!held) throw new UsageError('model: the worker no longer holds it');
    models.delete(model.held);
    return held;
  };

  return {
    open: async ({ device, threads }) => {
      opened = { requested: device, threads, ladder: await ladder(device) };
      const [first] = opened.ladder.rungs;
      if (!first) throw new DeviceError('device.unavailable', `device '${device}': nothing to try`);
      const reasons = [...opened.ladder.reasons];
      if (first.device === 'wasm') reasons.push(...threadReasons(threads));
      return report(first, reasons);
    },

    fetch: async ({ source, integrity, precision }, { signal, progress }) => {
      const bytes = await readSource(source, signal, progress);
      const { manifest, warnings } = await examine(bytes, integrity, precision);
      const held = next++;
      models.set(held, { bytes, manifest });
      return { held, bytes: bytes.length, warnings };
    },

    create: ({ model, options }, { signal }) =>
      queue.add(signal, async () => {
        if (!opened) throw new ForjaError('internal', 'worker: create before open');
        const { bytes, manifest } = take(model);
        checkModelBytes(bytes);
        const reasons = [...opened.ladder.reasons];
        const { rungs } = opened.ladder;
        for (const [i, rung] of rungs.entries()) {
          try {
            const started = await build(rung);
            const notes = rung.device === 'wasm' ? threadReasons(opened.threads, options.threads) : [];
            const made = await WorkerSession.create(started, bytes, report(rung, [...reasons, ...notes]), options);
            const id = next++;
            sessions.set(id, made);
            if (manifest) manifests.set(made, manifest);
            return { session: id, inputs: made.inputs, outputs: made.outputs, device: made.device };
          } catch (error) {
            // The last rung's error is the answer; so is a mistake in the call, which no device cures.
            if (i === rungs.length - 1 || !(error instanceof ForjaError) || error instanceof UsageError) throw error;
            reasons.push(`${rung.device}: ${error.message}`);
          }
        }
        throw new DeviceError('device.unavailable', reasons.join('; '));
      }),

    identify: async ({ session: id, given }) => {
      const found = session(id);
      return manifestFor(given, manifests.get(found), found.inputs, found.outputs);
    },

    run: ({ session: id, feeds, outputs }, { signal }) => queue.add(signal, () => session(id).run(feeds, outputs)),
    readState: ({ session: id, names }, { signal }) => queue.add(signal, () => session(id).readState(names)),
    writeState: ({ session: id, values }, { signal }) => queue.add(signal, async () => (session(id).writeState(values), null)),
    release: ({ session: id }) =>
      queue.add(undefined, async () => {
        const found = sessions.get(id);
        sessions.delete(id);
        await found?.release();
        return null;
      }),
    close: () =>
      queue.add(undefined, async () => {
        for (const open of sessions.values()) await open.release();
        sessions.clear();
        models.clear();
        return null;
      }),
  };
}

function threadReasons(asked: number | undefined, session?: number): string[] {
  const threads = wasmThreads(asked);
  const reasons: string[] = [];
  if (!globalThis.crossOriginIsolated && (asked ?? 2) > 1) {
    reasons.push('threads: 1, because the page is not cross-origin isolated (no COOP and COEP headers), so WebAssembly cannot share memory');
  }
  if (session !== undefined && session !== threads) reasons.push(`threads: ${threads} instead of ${session}: one pool serves all sessions of a WASM runtime, so ask the runtime`);
  return reasons;
}
