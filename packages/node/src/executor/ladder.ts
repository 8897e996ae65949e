// Which execution providers to try for a device, in order, and what stands against one before it is tried.
import { DeviceError } from '@forja/core';
import type { DeviceName, DeviceReport } from '@forja/core';
import { hasProviderLibrary } from './ort.js';

/** A device that really runs. */
export type ActualDevice = DeviceReport['actual'];

/** `auto`, by platform: hardware first, one provider an attempt. WebGPU only by request: its adapter may be software. */
const AUTO: Readonly<Partial<Record<NodeJS.Platform, readonly ActualDevice[]>>> = {
  linux: ['cuda', 'cpu'],
  darwin: ['coreml', 'cpu'],
  win32: ['dml', 'cpu'],
};

/** The attempts for `device`. */
export function rungs(device: DeviceName): readonly ActualDevice[] {
  return device === 'auto' ? (AUTO[process.platform] ?? ['cpu']) : [device];
}

/** Why a device cannot run here at all, known without touching native code; undefined when it is worth trying. */
const OBSTACLE: Readonly<Record<ActualDevice, () => string | undefined>> = {
  cpu: () => undefined,
  webgpu: () => undefined,
  cuda: () =>
    process.platform !== 'linux' || process.arch !== 'x64' ? `onnxruntime-node has no CUDA build for ${process.platform}-${process.arch}`
    : hasProviderLibrary('libonnxruntime_providers_cuda.so') ? undefined
    : 'libonnxruntime_providers_cuda.so is not beside onnxruntime-node (its install script fetches it: npm rebuild onnxruntime-node)',
  coreml: () => (process.platform === 'darwin' ? undefined : 'Core ML is only on macOS'),
  dml: () => (process.platform === 'win32' ? undefined : 'DirectML is only on Windows'),
  wasm: () => 'WASM is not offered in Node; the CPU provider is faster. In a browser use @forja/web',
};

/** Reason as one line of a device report; undefined when `device` is worth trying. */
export function obstacle(device: ActualDevice): string | undefined {
  const reason = OBSTACLE[device]();
  return reason === undefined ? undefined : `${device}: ${reason}`;
}

/** The first device worth trying, for a report made before any session exists. */
export function provisional(device: DeviceName): { actual: ActualDevice; reasons: string[] } {
  const reasons: string[] = [];
  for (const rung of rungs(device)) {
    const reason = obstacle(rung);
    if (reason === undefined) return { actual: rung, reasons };
    reasons.push(reason);
  }
  return { actual: device === 'auto' ? 'cpu' : device, reasons };
}

/** The error when no rung holds. */
export function unavailable(device: DeviceName, reasons: readonly string[]): DeviceError {
  return new DeviceError('device.unavailable', `device: expected '${device}' to run here, got: ${reasons.join('; ')}. Use device 'auto' or 'cpu'.`);
}
