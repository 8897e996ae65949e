// Finds and loads onnxruntime on first use, and translates its messages. No native code is loaded at import.
import { DeviceError, ForjaError, messageOf, ModelFormatError } from '@forja/core';
import { hasCode } from '../has-code.js';
import { moduleUrl } from '../module-url.js';
import type { Ort } from './tensors.js';

/** Loads onnxruntime-node and initialises it by trying to create a session from a single byte, which fails. */
export async function beginOrt(): Promise<void> {
  const { InferenceSession } = await loadNative();
  await InferenceSession.create(new Uint8Array(1)).catch(() => undefined);
}

/** Loads onnxruntime-node. Throws `device.unavailable` if it cannot be loaded. */
export async function loadNative(): Promise<Ort> {
  try {
    const loaded = (requiredNative() ?? (await import('onnxruntime-node'))) as Ort & { default?: Ort };
    return loaded.InferenceSession ? loaded : (loaded.default ?? loaded);
  } catch (cause) {
    throw new DeviceError(
      'device.unavailable',
      `expected onnxruntime-node to load on ${process.platform}-${process.arch}, got: ${firstLine(cause)}. ` +
        (hasCode(cause, 'ERR_DLOPEN_DISABLED')
          ? "Start Node with --allow-addons, or use device 'wasm'"
          : 'Install it: npm install onnxruntime-node (with ONNXRUNTIME_NODE_INSTALL=skip in the environment ' +
            'if its download of CUDA libraries is blocked)'),
      { cause },
    );
  }
}

/**
 * onnxruntime-node, loaded with Node's own `require`, in a vm context (Jest, vitest's vmThreads); undefined elsewhere.
 * `import` would load its JavaScript into that context, where it refuses the arrays of its native code, because they
 * belong to Node's main realm. `require` loads both into the main realm.
 */
function requiredNative(): unknown {
  if (process.hrtime() instanceof Array) return undefined;
  return process.getBuiltinModule('node:module').createRequire(moduleUrl())('onnxruntime-node') as unknown;
}

/** Loads onnxruntime-web, for WebAssembly. Throws `device.unavailable` if it cannot be loaded. */
export async function loadWasm(): Promise<Ort> {
  try {
    const ort = await import('onnxruntime-web'); // this entry has a build for Node; `onnxruntime-web/wasm` has none
    ort.env.wasm.numThreads = 1; // more threads are no faster there
    return ort as unknown as Ort; // both packages are onnxruntime-common, with different backends
  } catch (cause) {
    throw new DeviceError(
      'device.unavailable',
      `expected onnxruntime-web, which runs models as WebAssembly, got: ${firstLine(cause)}. Install it: npm ` +
        'install onnxruntime-web',
      { cause },
    );
  }
}

/** The message without the list of modules that Node appends. */
function firstLine(cause: unknown): string {
  const text = messageOf(cause);
  return (text.split('\n')[0] ?? '').replace(/ imported from .*$/, '');
}

type Meaning = readonly [RegExp, (message: string, cause: unknown) => ForjaError];

/**
 * Patterns of `InferenceSession.create`'s messages and their errors; the first match wins, the last row matches
 * anything.
 */
const CREATE: readonly Meaning[] = [
  [
    /protobuf parsing failed|INVALID_PROTOBUF|No graph was found|ModelProto does not have a graph/i,
    (m, cause) =>
      new ModelFormatError(
        'model.format',
        `model: expected an ONNX file, got bytes that onnxruntime cannot read (${m})`,
        { cause },
      ),
  ],
  [
    /opset|ir_version|IR version|not a registered function\/op|No Op registered|NOT_IMPLEMENTED|NotImplemented/i,
    (m, cause) => new ModelFormatError('model.unsupported', `model: onnxruntime cannot run it: ${m}`, { cause }),
  ],
  [
    /fallback to CPU EP has been explicitly disabled|disable_cpu_ep_fallback/i,
    (m, cause) => new DeviceError('device.unavailable', `strict: some nodes would run on the CPU (${m})`, { cause }),
  ],
  [
    /external data|external_data|External initializer/i,
    (m, cause) => new ModelFormatError('model.notFound', `model: its external data is missing: ${m}`, { cause }),
  ],
  [
    /backend not found|provider|CUDA|cudnn|WebGPU|adapter|CoreML|DML|DirectML|\.so\b|\.dll\b/i,
    (m, cause) => new DeviceError('device.unavailable', m, { cause }),
  ],
  [/./s, (m, cause) => new ModelFormatError('model.format', `model: onnxruntime refuses it: ${m}`, { cause })],
];

/** A failed `create` as one of our errors. */
export function createError(error: unknown): ForjaError {
  if (error instanceof ForjaError) return error;
  const message = messageOf(error) || 'no message';
  const row = CREATE.find(([pattern]) => pattern.test(message));
  return row ? row[1](message.trim(), error) : new ForjaError('internal', message, { cause: error });
}
