// Translates onnxruntime-web's messages into our error codes, the same as in @forja/node.
import { DeviceError, ForjaError, ModelFormatError } from '@forja/core';

type Meaning = readonly [RegExp, (message: string, cause: unknown) => ForjaError];

/** Messages of `InferenceSession.create`; the first match wins, the last row matches anything. */
const CREATE: readonly Meaning[] = [
  [
    /protobuf parsing failed|data pointer is null|No graph was found|does not have a graph/i,
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
    /disable_cpu_ep_fallback|fallback to CPU EP has been explicitly disabled/i,
    (m, cause) => new DeviceError('device.unavailable', `strict: some nodes would run on the CPU (${m})`, { cause }),
  ],
  [
    /MountedFiles|external data|external_data|external initializer/i,
    (m, cause) =>
      new ModelFormatError('model.notFound', `model: expected its external data in the option 'external' (${m})`, {
        cause,
      }),
  ],
  [
    /magic word|MIME type|fetching of the wasm failed|CompileError|unsafe-eval/i,
    (m, cause) =>
      new DeviceError(
        'device.unavailable',
        `runtime: onnxruntime's .wasm file could not be loaded (${m}). Is it served, from this origin, as ` +
          "application/wasm, and does the CSP allow 'wasm-unsafe-eval'? `forja-web-assets <dir>` copies it; name " +
          'that folder in the option assets.',
        { cause },
      ),
  ],
  [
    /TrustedScriptURL/,
    (m, cause) =>
      new DeviceError(
        'device.unavailable',
        `runtime: expected threads: 1, because worker.js is served with a policy on trusted types, ` +
          `under which it cannot start threads (${m})`,
        { cause },
      ),
  ],
  [
    /no available backend|WebAssembly|GPU adapter|GPUDevice|WebGPU/i,
    (m, cause) => new DeviceError('device.unavailable', `runtime: ${m}`, { cause }),
  ],
  [/(?:)/, (m, cause) => new ModelFormatError('model.format', `model: onnxruntime refuses it: ${m}`, { cause })],
];

/** A failed `create` as one of our errors. */
export function createRefusal(error: unknown): ForjaError {
  if (error instanceof ForjaError) return error;
  const message = (error instanceof Error ? error.message : String(error)).trim() || 'no message';
  const row = CREATE.find(([pattern]) => pattern.test(message));
  return row ? row[1](message, error) : new ForjaError('internal', message, { cause: error });
}
