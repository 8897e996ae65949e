// WebGPU. Software adapters are used only on request. Convolutions are not replaced: the rewrite is for CPUs.
import type { Device, Found } from './device.js';

/** Names of software adapters, in addition to `isFallbackAdapter`. */
const SOFTWARE_ADAPTER = /swiftshader|llvmpipe|lavapipe|basic render|\bwarp\b|software/i;

export const webgpu: Device = {
  name: 'webgpu',
  find,
  // The smaller build where the engine can suspend WebAssembly on promises (JSPI), else the asyncify one.
  build: () => ('Suspending' in WebAssembly ? 'jspi' : 'webgpu'),
  threads: () => 1,
  threadNotes: () => [],
  withoutHalf: ({ half, adapter }) => (half === true ? undefined : `the adapter (${adapter}) has no shader-f16`),
  lowers: false,
  gpu: true,
};

async function find(auto: boolean): Promise<Found | string> {
  if (!('gpu' in navigator) || !navigator.gpu)
    return globalThis.isSecureContext
      ? 'this browser does not offer it to workers'
      : 'needs a secure context (https or localhost)';
  let adapter: GPUAdapter | null = null;
  try {
    adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  } catch (error) {
    return `requesting an adapter failed: ${String(error)}`;
  }
  if (!adapter) return 'no GPU adapter';
  const { vendor, architecture, device, description } = adapter.info;
  const name = [...new Set([vendor, architecture, device, description])].filter(Boolean).join(' ') || 'unnamed adapter';
  // Newer and older browsers have this property in different objects.
  const flagged =
    adapter.info.isFallbackAdapter || (adapter as { isFallbackAdapter?: boolean }).isFallbackAdapter === true;
  if (auto && (flagged || SOFTWARE_ADAPTER.test(name)))
    return `the adapter is software (${name}); request 'webgpu' to use it anyway`;
  return { adapter: name, half: adapter.features.has('shader-f16') };
}
