// Which devices to try, in order, with the reason for each one skipped. Software GPU adapters are used only on request.
import { DeviceError } from '@forja/core';
import type { DeviceName } from '@forja/core';

/** A device to try. */
export interface Rung {
  device: 'webgpu' | 'wasm';
  adapter?: string;
  /** Whether its shaders can compute in half precision. */
  half?: boolean;
}

/** Devices in order, and why others were left out. */
export interface Ladder {
  rungs: Rung[];
  reasons: string[];
}

/** Names of software adapters, in addition to `isFallbackAdapter`. */
const SOFTWARE_ADAPTER = /swiftshader|llvmpipe|lavapipe|basic render|\bwarp\b|software/i;

/** Devices to try for each requested name; other names are refused. */
const LADDERS: Readonly<Partial<Record<DeviceName, readonly Rung['device'][]>>> = {
  auto: ['webgpu', 'wasm'],
  webgpu: ['webgpu'],
  wasm: ['wasm'],
};

/**
 * The devices to try for `requested` in this browser. If `gpu` is false, WebGPU is excluded: the executor runs in the
 * page's thread, which WebGPU would freeze. Throws `device.unavailable` if none is left.
 */
export async function ladder(requested: DeviceName, gpu: boolean): Promise<Ladder> {
  const wanted = LADDERS[requested];
  if (wanted === undefined) {
    throw new DeviceError(
      'device.unavailable',
      `device: expected 'auto', 'webgpu' or 'wasm' in a browser, got '${requested}'`,
    );
  }
  const found: Ladder = { rungs: [], reasons: [] };
  for (const device of wanted) {
    if (device === 'wasm') found.rungs.push({ device });
    else if (gpu) await probeWebGPU(requested, found);
    else found.reasons.push("webgpu: only in a worker, not with executor 'inline'");
  }
  if (found.rungs.length === 0)
    throw new DeviceError(
      'device.unavailable',
      `device '${requested}': ${found.reasons.join('; ')}. Use 'wasm' or 'auto'.`,
    );
  return found;
}

async function probeWebGPU(requested: DeviceName, found: Ladder): Promise<void> {
  if (!('gpu' in navigator) || !navigator.gpu) {
    found.reasons.push(
      globalThis.isSecureContext
        ? 'webgpu: this browser does not offer it to workers'
        : 'webgpu: needs a secure context (https or localhost)',
    );
    return;
  }
  let adapter: GPUAdapter | null = null;
  try {
    adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  } catch (error) {
    found.reasons.push(`webgpu: requesting an adapter failed: ${String(error)}`);
    return;
  }
  if (!adapter) return void found.reasons.push('webgpu: no GPU adapter');
  const { vendor, architecture, device, description } = adapter.info;
  const name = [...new Set([vendor, architecture, device, description])].filter(Boolean).join(' ') || 'unnamed adapter';
  // Newer and older browsers have this property in different objects.
  const flagged =
    adapter.info.isFallbackAdapter || (adapter as { isFallbackAdapter?: boolean }).isFallbackAdapter === true;
  if (requested === 'auto' && (flagged || SOFTWARE_ADAPTER.test(name))) {
    found.reasons.push(`webgpu: the adapter is software (${name}); request 'webgpu' to use it anyway`);
    return;
  }
  found.rungs.push({ device: 'webgpu', adapter: name, half: adapter.features.has('shader-f16') });
}
