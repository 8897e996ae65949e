// The devices of this runtime, by name.
import type { ActualDevice } from '@forja/core';
import type { Device } from './device.js';
import { wasm } from './wasm.js';
import { webgpu } from './webgpu.js';

export type { Device } from './device.js';

/** All devices. `auto` tries them in this order. */
export const WEB_DEVICES: Readonly<Partial<Record<ActualDevice, Device>>> = { webgpu, wasm };
