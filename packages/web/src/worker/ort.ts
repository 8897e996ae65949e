// Starts a build of onnxruntime-web, and notices a lost GPU.
import { DeviceError } from '@forja/core';
import type { Device } from './devices/index.js';

/** The module of any build: all builds have the same types. */
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
  device: Device;
  /** Number of its sessions. */
  live: number;
  /**
   * The GPU device of its sessions; undefined without a session, since onnxruntime destroys the device with the last
   * one.
   */
  gpu?: GPUDevice | undefined;
  /** Set if that device was lost: its sessions no longer work, and another run would never end. */
  lost?: DeviceError;
}

/**
 * Imports a build and sets its threads; its .wasm is fetched with the first session, from `wasmFile` or the module's
 * folder.
 */
export async function startBuild(
  builds: Builds,
  device: Device,
  threads: number,
  wasmFile: string | undefined,
): Promise<OrtBuild> {
  const name = device.build();
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
  // A bundler's alias may have replaced this build by left-out.ts, which is an empty module.
  if (!(ort as Partial<Ort>).InferenceSession)
    throw new DeviceError('device.unavailable', `runtime: onnxruntime-web/${name} was left out of this app`);
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.proxy = false;
  ort.env.logLevel = 'error';
  if (wasmFile !== undefined) ort.env.wasm.wasmPaths = { wasm: wasmFile };
  return { ort, device, live: 0 };
}

/** Call after a build has made a session: watches for the loss of its device. */
export async function entered(build: OrtBuild): Promise<void> {
  build.live++;
  if (!build.device.gpu) return;
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

/** Call before a session of a build is released. */
export function leaving(build: OrtBuild): void {
  if (--build.live === 0) build.gpu = undefined;
}

/**
 * Why a build's device was lost, if it was. The loss may be reported a moment after a failure, so this waits up to 50
 * ms.
 */
export async function lossOf(build: OrtBuild): Promise<DeviceError | undefined> {
  if (!build.device.gpu) return undefined;
  for (let i = 0; i < 5 && !build.lost; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  return build.lost;
}

/**
 * In a worker that Emscripten starts as one of its threads, imports the threaded build and returns true. Needed if a
 * bundler has put everything into one file, so that the thread's script is this worker's.
 */
export function becomeThread(wasm: () => Promise<Ort>): boolean {
  // In a worker, `name` is the name given when it was started.
  if (!(globalThis as { name?: string }).name?.startsWith('em-pthread')) return false;
  void wasm();
  return true;
}
