// The devices of all runtimes. A new device gets a row here, and a file in node/src/executor/devices.

/** Properties of a device in every runtime. */
export interface DeviceTraits {
  /** Whether it runs onnxruntime's CPU kernels: cost models are fitted to these, and they use several threads. */
  cpuKernels: boolean;
  /** Whether a `Loop` node costs no more than its body. */
  loops: boolean;
}

/** Every device, by name. */
export const DEVICES: Readonly<Record<ActualDevice, DeviceTraits>> = {
  cpu: { cpuKernels: true, loops: true },
  cuda: { cpuKernels: false, loops: false },
  webgpu: { cpuKernels: false, loops: false },
  coreml: { cpuKernels: false, loops: false },
  dml: { cpuKernels: false, loops: false },
  wasm: { cpuKernels: true, loops: false },
};

/** A device that runs models. */
export type ActualDevice = 'cpu' | 'cuda' | 'webgpu' | 'coreml' | 'dml' | 'wasm';

/** Devices that a caller may request. `auto` tries hardware devices in order, then the CPU. */
export type DeviceName = 'auto' | ActualDevice;

/**
 * Traits of a device by name. Other implementations of runtimes may have devices of their own, about which nothing is
 * known.
 */
export function deviceTraits(name: string): DeviceTraits {
  return Object.hasOwn(DEVICES, name) ? DEVICES[name as ActualDevice] : { cpuKernels: false, loops: false };
}

/** Devices that may be requested, for messages and command-line options. */
export const DEVICE_NAMES: readonly DeviceName[] = ['auto', ...(Object.keys(DEVICES) as ActualDevice[])];
