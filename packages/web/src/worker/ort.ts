// The builds of onnxruntime-web and how each is started. Never the bare package name: that is the deprecated JSEP build.
import { DeviceError } from '@forja/core';

/** The module of any build: they share one typing. */
export type Ort = typeof import('onnxruntime-web/wasm');

/** A started build. */
export interface OrtBuild {
  ort: Ort;
  name: 'wasm' | 'webgpu' | 'jspi';
  threads: number;
}

const BUILDS: { readonly [N in OrtBuild['name']]: () => Promise<Ort> } = {
  wasm: () => import('onnxruntime-web/wasm'),
  webgpu: () => import('onnxruntime-web/webgpu'),
  jspi: () => import('onnxruntime-web/jspi'),
};

/** The smaller WebGPU build where the engine can suspend WebAssembly on promises (JSPI), else the asyncify one. */
export function webgpuBuild(): 'jspi' | 'webgpu' {
  return 'Suspending' in WebAssembly ? 'jspi' : 'webgpu';
}

/** Threads that WASM can have here: `wanted`, at most one without cross-origin isolation. Default min(4, cores). */
export function wasmThreads(wanted: number | undefined): number {
  if (!globalThis.crossOriginIsolated) return 1;
  return Math.max(1, wanted ?? Math.min(4, navigator.hardwareConcurrency || 1));
}

/** Imports a build and sets its threads; its .wasm is fetched with the first session. WebGPU builds get one thread: their CPU part is only the rest. */
export async function startBuild(name: OrtBuild['name'], threads: number): Promise<OrtBuild> {
  let ort: Ort;
  try {
    ort = await BUILDS[name]();
  } catch (cause) {
    throw new DeviceError('device.unavailable', `runtime: onnxruntime-web/${name} could not be loaded: ${String(cause)}`, { cause });
  }
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.proxy = false;
  ort.env.logLevel = 'error';
  return { ort, name, threads };
}

/**
 * In a worker that Emscripten starts as one of its threads, and only there: hands over to the threaded build. Needed where a bundler
 * has put everything in one file, so that the thread's script is this worker's.
 */
export function becomeThread(): boolean {
  // In the DOM's typing a page has no `name` of use; in a worker it is the one given at its start.
  if (!(globalThis as { name?: string }).name?.startsWith('em-pthread')) return false;
  void BUILDS.wasm();
  return true;
}
