// onnxruntime-web's CPU kernels as WebAssembly.
import type { Device } from './device.js';

/** Number of WASM threads: `asked`, default min(4, cores). Without cross-origin isolation always 1. */
function threads(asked: number | undefined): number {
  if (!globalThis.crossOriginIsolated) return 1;
  return Math.max(1, asked ?? Math.min(4, navigator.hardwareConcurrency || 1));
}

export const wasm: Device = {
  name: 'wasm',
  find: () => Promise.resolve({}),
  build: () => 'wasm',
  threads,
  threadNotes: (asked, session) => {
    const notes: string[] = [];
    if (!globalThis.crossOriginIsolated && (asked ?? 2) > 1)
      notes.push(
        'threads: 1, because the page is not cross-origin isolated (no COOP and COEP headers), so WebAssembly ' +
          'cannot share memory',
      );
    if (session !== undefined && session !== threads(asked))
      notes.push(
        `threads: ${threads(asked)} instead of ${session}: one pool serves all sessions of a WASM runtime, ` +
          'so ask the runtime',
      );
    return notes;
  },
  withoutHalf: () => 'WASM computes in float32',
  lowers: true,
  gpu: false,
};
