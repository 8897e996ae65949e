// Declaration of a device in a browser: when it is tried, which build of onnxruntime-web has it, how sessions use it.
import type { ActualDevice } from '@forja/core';

/** The builds of onnxruntime-web. */
export type BuildName = 'wasm' | 'webgpu' | 'jspi';

/** What was found when looking for a device. */
export interface Found {
  /** Name of the GPU's adapter. */
  adapter?: string;
  /** Whether its shaders can compute in half precision. */
  half?: boolean;
}

/** A device of this runtime: an execution provider of onnxruntime-web. */
export interface Device {
  /** Also onnxruntime's name of the execution provider. */
  readonly name: ActualDevice;
  /**
   * Looks for it, or says why it is not tried. `auto`: true if the device was not requested by name; then software
   * adapters are refused.
   */
  readonly find: (auto: boolean) => Promise<Found | string>;
  /** The build that has it, in this browser. */
  readonly build: () => BuildName;
  /** Number of threads if `asked` are requested. */
  readonly threads: (asked: number | undefined) => number;
  /** Says why it runs with another number of threads than the runtime or a session requested. */
  readonly threadNotes: (asked: number | undefined, session?: number) => string[];
  /** Why it cannot compute in half precision; undefined if it can. */
  readonly withoutHalf: (found: Found) => string | undefined;
  /** Whether `lowering: 'auto'` replaces convolutions. */
  readonly lowers: boolean;
  /** Whether it is a GPU: state stays in its buffers, it can be lost, and nodes that it cannot run go to the CPU. */
  readonly gpu: boolean;
}
