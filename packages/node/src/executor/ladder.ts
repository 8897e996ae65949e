// Which execution providers to try for a device, in order, and reasons not to try one.
import { DeviceError } from '@forja/core';
import type { DeviceName, DeviceReport } from '@forja/core';
import { inspectCuda, isSound } from '../cuda/inspect.js';

/** A device that really runs. */
export type ActualDevice = DeviceReport['actual'];

/**
 * `auto`, by platform: hardware first, one provider per attempt. WebGPU only on request, as its adapter may be
 * software. WASM is the fallback if onnxruntime-node cannot be loaded.
 */
const AUTO: Readonly<Partial<Record<NodeJS.Platform, readonly ActualDevice[]>>> = {
  linux: ['cuda', 'cpu', 'wasm'],
  darwin: ['coreml', 'cpu', 'wasm'],
  win32: ['dml', 'cpu', 'wasm'],
};

/** The attempts for `device`. */
export function rungs(device: DeviceName): readonly ActualDevice[] {
  return device === 'auto' ? (AUTO[process.platform] ?? ['cpu', 'wasm']) : [device];
}

/**
 * Why a device cannot run here, as far as known without native code; undefined if it is worth trying. `auto` tries only
 * devices without known problems.
 */
const OBSTACLE: Readonly<Record<ActualDevice, (auto: boolean) => string | undefined>> = {
  cpu: () => undefined,
  webgpu: () => undefined,
  cuda: (auto) => {
    if (process.platform !== 'linux' || process.arch !== 'x64')
      return `onnxruntime-node has no CUDA build for ${process.platform}-${process.arch}`;
    const report = inspectCuda();
    return report.ready || (!auto && isSound(report)) ? undefined : report.problems.join('; ');
  },
  coreml: () => (process.platform === 'darwin' ? undefined : 'Core ML is only on macOS'),
  dml: () => (process.platform === 'win32' ? undefined : 'DirectML is only on Windows'),
  wasm: () => undefined,
};

/** Why a device cannot compute in half precision, if known without trying. */
export const WITHOUT_HALF: Readonly<Record<ActualDevice, string | undefined>> = {
  cpu: 'the CPU computes in float32',
  wasm: 'WASM computes in float32',
  cuda: undefined,
  coreml: undefined,
  dml: undefined,
  webgpu: undefined,
};

/** Possible causes of a failed attempt, appended to onnxruntime's message. */
const SUSPECTS: Readonly<Partial<Record<ActualDevice, () => readonly string[]>>> = {
  cuda: () => inspectCuda().problems,
};

/**
 * Why `device` is not tried for a request of `requested`, as one line of a device report; undefined if it is worth
 * trying.
 */
export function obstacle(device: ActualDevice, requested: DeviceName): string | undefined {
  const reason = OBSTACLE[device](requested === 'auto');
  return reason === undefined ? undefined : `${device}: ${reason}`;
}

/** A failed attempt as one line of a device report. */
export function failed(device: ActualDevice, message: string): string {
  return [`${device}: ${message}`, ...(SUSPECTS[device]?.() ?? [])].join('; ');
}

/** The first device worth trying, for a report made before any session exists. */
export function provisional(device: DeviceName): { actual: ActualDevice; reasons: string[] } {
  const reasons: string[] = [];
  for (const rung of rungs(device)) {
    const reason = obstacle(rung, device);
    if (reason === undefined) return { actual: rung, reasons };
    reasons.push(reason);
  }
  return { actual: device === 'auto' ? 'cpu' : device, reasons };
}

/** The error if no device works. */
export function unavailable(device: DeviceName, reasons: readonly string[]): DeviceError {
  return new DeviceError(
    'device.unavailable',
    `device: expected '${device}' to run here, got: ${reasons.join('; ')}. Use device 'auto' or 'cpu'; forja doctor says what is missing here.`,
  );
}
