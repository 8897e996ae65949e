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
   * Why it cannot run here, as far as known without native code; undefined if it is worth trying. `auto`: whether it
   * was not requested by name; then known problems are enough not to try it.
   */
  readonly obstacle?: (auto: boolean) => string | undefined;
  /** Possible causes of a failed attempt, appended to onnxruntime's message. */
  readonly suspects?: () => readonly string[];
  /** Loads the build of onnxruntime that has it. Throws `device.unavailable`. */
  readonly load: () => Promise<Ort>;
  /** Whether that is the native build, which has threads and session configuration entries. */
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
   * Where runs leave state. `in-place`: in the buffers given to them. `copied`: in memory of its own, copied after each
   * run. `gpu-buffer`: in GPU buffers, until it is read.
   */
  readonly state: 'in-place' | 'copied' | 'gpu-buffer';
}
