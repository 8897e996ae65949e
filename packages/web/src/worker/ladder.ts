// Which devices to try, in order, with the reason for each one skipped.
import { DeviceError } from '@forja/core';
import type { DeviceName } from '@forja/core';
import type { Found } from './devices/device.js';
import { WEB_DEVICES, type Device } from './devices/index.js';
import type { Builds } from './ort.js';

/** A device to try. */
export interface Rung {
  device: Device;
  found: Found;
}

/** Devices in order, and why others were left out. */
export interface Ladder {
  rungs: Rung[];
  reasons: string[];
}

/**
 * The devices to try for `requested` in this browser. Those without a build are excluded: an executor in the page's
 * thread has no WebGPU, which would freeze the page. Throws `device.unavailable` if none is left.
 */
export async function ladder(requested: DeviceName, builds: Builds): Promise<Ladder> {
  const auto = requested === 'auto';
  const wanted = auto ? Object.values(WEB_DEVICES) : [WEB_DEVICES[requested]];
  const rungs: Rung[] = [];
  const reasons: string[] = [];
  for (const device of wanted) {
    if (device === undefined)
      throw new DeviceError(
        'device.unavailable',
        `device: expected 'auto', 'webgpu' or 'wasm' in a browser, got '${requested}'`,
      );
    const found = builds[device.build()] ? await device.find(auto) : "only in a worker, not with executor 'inline'";
    if (typeof found === 'string') reasons.push(`${device.name}: ${found}`);
    else rungs.push({ device, found });
  }
  if (rungs.length === 0)
    throw new DeviceError('device.unavailable', `device '${requested}': ${reasons.join('; ')}. Use 'wasm' or 'auto'.`);
  return { rungs, reasons };
}
