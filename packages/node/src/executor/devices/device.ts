// Declaration of a device: when it is tried, what it needs, and how sessions on it are made.
import type { ActualDevice } from '@forja/core';
import type { Ort } from '../tensors.js';

/** A device of this runtime: an execution provider of onnxruntime. */
export interface Device {
  /** Also onnxruntime's name of the execution provider. */
  readonly name: ActualDevice;
  /** Platforms on which `auto` tries it, before the CPU. */
  readonly autoOn?: readonly NodeJS.Platform[];
  /**
   * Why it cannot run here, as far as known without native code; undefined if it is worth trying. `auto`: true if the
   * device was not requested by name; then every known problem counts, even an uncertain one.
   */
  readonly obstacle?: (auto: boolean) => string | undefined;
  /** Possible causes of a failed attempt, appended to onnxruntime's message. */
  readonly suspects?: () => readonly string[];
  /** Loads the build of onnxruntime that has it. Throws `device.unavailable`. */
  readonly load: () => Promise<Ort>;
  /** Whether `load` gives the native build, which has threads and session configuration entries. */
  readonly native: boolean;
  /** Whether nodes that it cannot run are left to the CPU, within one session. If false, it runs every node. */
  readonly leavesNodes: boolean;
  /** Set if no further device could run a model that it refuses. */
  readonly final?: true;
  /** Why it cannot compute in half precision. */
  readonly withoutHalf?: string;
  /** Whether `lowering: 'auto'` replaces convolutions. */
  readonly lowers?: true;
  /**
   * Where a run leaves state. `in-place`: in the buffers that it was given. `copied`: in new memory, which is copied
   * after each run. `gpu-buffer`: in GPU buffers, until the state is read.
   */
  readonly state: 'in-place' | 'copied' | 'gpu-buffer';
}
