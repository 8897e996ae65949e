// What a recording of upstream's specs holds. record.mjs makes it.
import type { ProgramDType } from '../../packages/trainer/src/program/program.js';

/** Shape and type of a tensor as tfjs has it: strings and complex numbers too, and `pixels` for what is no tensor. */
export interface RecordedMeta {
  shape: number[];
  dtype: ProgramDType | 'string' | 'complex64' | 'pixels';
}

/** Numbers of a tensor; undefined where they are no numbers. */
export type RecordedData = Float32Array | Int32Array | Uint8Array | undefined;

/** What one call was given and gave. */
export interface RecordedSample {
  inputs: Record<string, RecordedData | RecordedData[]>;
  outputs: RecordedData[];
}

/** All calls of one kernel with these shapes, types and attributes. */
export interface Signature {
  kernel: string;
  /** Inputs came as a list, which stands under the name `inputs`. */
  list: boolean;
  inputs: Record<string, RecordedMeta | RecordedMeta[]>;
  attrs: Record<string, unknown>;
  outputs: RecordedMeta[];
  samples: RecordedSample[];
}

/** A run of the specs. */
export interface Recording {
  /** Version of tfjs-core. */
  version: string;
  /** Specs by outcome. */
  counts: Record<string, number>;
  failures: string[];
  records: Signature[];
}
