// The devices of this runtime, by name. TypeScript reports an error if one is missing.
import type { ActualDevice } from '@forja/core';
import { coreml } from './coreml.js';
import { cpu } from './cpu.js';
import { cuda } from './cuda.js';
import type { Device } from './device.js';
import { dml } from './dml.js';
import { wasm } from './wasm.js';
import { webgpu } from './webgpu.js';

export type { Device } from './device.js';

/** All devices. `auto` tries those with the platform in `autoOn` in this order, then the CPU, then WebAssembly. */
export const NODE_DEVICES: Readonly<Record<ActualDevice, Device>> = { cpu, cuda, webgpu, coreml, dml, wasm };
