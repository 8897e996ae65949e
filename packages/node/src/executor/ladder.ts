// Which devices to try for a request, in order, and the texts about unused devices for reports and errors.
import { DeviceError } from '@forja/core';
import type { ActualDevice, DeviceName } from '@forja/core';
import { NODE_DEVICES, type Device } from './devices/index.js';

/** The devices to try. `auto`: the platform's hardware, one device per attempt, then the CPU, then WebAssembly. */
export function rungs(device: DeviceName): readonly Device[] {
  if (device !== 'auto') return [NODE_DEVICES[device]];
  const hardware = Object.values(NODE_DEVICES).filter(({ autoOn }) => autoOn?.includes(process.platform));
  return [...hardware, NODE_DEVICES.cpu, NODE_DEVICES.wasm];
}

/** Why a device is not tried for a request, as one line of a device report; undefined if it is worth trying. */
export function obstacle(device: Device, requested: DeviceName): string | undefined {
  const reason = device.obstacle?.(requested === 'auto');
  return reason === undefined ? undefined : `${device.name}: ${reason}`;
}

/** A failed attempt as one line of a device report. */
export function failed(device: Device, message: string): string {
  return [`${device.name}: ${message}`, ...(device.suspects?.() ?? [])].join('; ');
}

/** The first device worth trying, or else the last one, for a report made before any session exists. */
export function provisional(device: DeviceName): { actual: ActualDevice; reasons: string[] } {
  const reasons: string[] = [];
  let actual = NODE_DEVICES.cpu.name;
  for (const rung of rungs(device)) {
    actual = rung.name;
    const reason = obstacle(rung, device);
    if (reason === undefined) break;
    reasons.push(reason);
  }
  return { actual, reasons };
}

/** The error if no device works. */
export function unavailable(device: DeviceName, reasons: readonly string[]): DeviceError {
  return new DeviceError(
    'device.unavailable',
    `device: expected '${device}' to run here, got: ${reasons.join('; ')}. Use device 'auto' or 'cpu'; forja ` +
      'doctor shows what is missing.',
  );
}
