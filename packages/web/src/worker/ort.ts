// How a build of onnxruntime-web is started, and how a lost GPU is noticed.
import { DeviceError } from '@forja/core';

/** The module of any build: they share one typing. */
export type Ort = typeof import('onnxruntime-web/wasm');

/** Imports of builds, by name. */
export interface Builds {
  wasm: () => Promise<Ort>;
  webgpu?: () => Promise<Ort>;
  jspi?: () => Promise<Ort>;
}

/** A started build. */
export interface OrtBuild {
  ort: Ort;
  name: keyof Builds;
  /** Its sessions. */
  live: number;
  /** The GPU device that they use; without a session there is none, since onnxruntime destroys it with the last one. */
  gpu?: GPUDevice | undefined;
  /** Set when that device was lost: no session of it works any more, and a second run would never end. */
  lost?: DeviceError;
}

/** The smaller WebGPU build where the engine can suspend WebAssembly on promises (JSPI), else the asyncify one. */
export function webgpuBuild(): 'jspi' | 'webgpu' {
  return 'Suspending' in WebAssembly ? 'jspi' : 'webgpu';
}

/** Threads that WASM can have here: `wanted`, at most one without cross-origin isolation. Default min(4, cores). */
export function wasmThreads(wanted: number | undefined): number {
  if (!globalThis.crossOriginIsolated) return 1;
  return Math.max(1, wanted ?? Math.min(4, navigator.hardwareConcurrency || 1));
}

/**
 * Imports a build and sets its threads; its .wasm is fetched with the first session, from `wasmFile` or from beside the
 * module.
 */
export async function startBuild(
  builds: Builds,
  name: keyof Builds,
  threads: number,
  wasmFile: string | undefined,
): Promise<OrtBuild> {
  const load = builds[name];
  if (!load)
    throw new DeviceError(
      'device.unavailable',
      `runtime: expected a worker for ${name}, got executor 'inline', which runs WASM only`,
    );
  let ort: Ort;
  try {
    ort = await load();
  } catch (cause) {
    throw new DeviceError(
      'device.unavailable',
      `runtime: onnxruntime-web/${name} could not be loaded: ${String(cause)}`,
      { cause },
    );
  }
  // What an alias puts in its place has nothing in it.
  if (!(ort as Partial<Ort>).InferenceSession)
    throw new DeviceError('device.unavailable', `runtime: onnxruntime-web/${name} was left out of this app`);
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.proxy = false;
  ort.env.logLevel = 'error';
  if (wasmFile !== undefined) ort.env.wasm.wasmPaths = { wasm: wasmFile };
  return { ort, name, live: 0 };
}

/** A build has made a session: the loss of the device that it uses will be noted. */
export async function entered(build: OrtBuild, onGpu: boolean): Promise<void> {
  build.live++;
  if (!onGpu) return;
  // Onnxruntime's typing says `any` where the WebGPU types are not global.
  const device: GPUDevice | undefined = await build.ort.env.webgpu.device;
  if (!device || build.gpu === device) return;
  build.gpu = device;
  void device.lost.then(({ reason, message }) => {
    if (build.gpu === device)
      build.lost = new DeviceError(
        'device.lost',
        `the GPU device was lost (${[reason, message].filter(Boolean).join(': ')})`,
      );
  });
}

/** A session of a build is about to be released. */
export function leaving(build: OrtBuild): void {
  if (--build.live === 0) build.gpu = undefined;
}

/** Why a build's device was lost, if it was. After a failure the news may be a moment behind it. */
export async function lossOf(build: OrtBuild): Promise<DeviceError | undefined> {
  for (let i = 0; i < 5 && !build.lost; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  return build.lost;
}

/**
 * In a worker that Emscripten starts as one of its threads, and only there: hands over to the threaded build. Needed
 * where a bundler has put everything in one file, so that the thread's script is this worker's.
 */
export function becomeThread(wasm: () => Promise<Ort>): boolean {
  // In the DOM's typing a page has no `name` of use; in a worker it is the one given at its start.
  if (!(globalThis as { name?: string }).name?.startsWith('em-pthread')) return false;
  void wasm();
  return true;
}
