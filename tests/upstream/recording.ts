// Types of a recording of upstream's specs, made by record.mjs.
import type { ProgramDType } from '../../packages/trainer/src/program/program.js';

/** Shape and tfjs type of a tensor, including strings and complex numbers; `pixels` for values that are not tensors. */
export interface RecordedMeta {
  shape: number[];
  dtype: ProgramDType | 'string' | 'complex64' | 'pixels';
}

/** Numbers of a tensor; undefined for other types. */
export type RecordedData = Float32Array | Int32Array | Uint8Array | undefined;

/** Inputs and results of one call. */
export interface RecordedSample {
  inputs: Record<string, RecordedData | RecordedData[]>;
  outputs: RecordedData[];
}

/** All calls of one kernel with these shapes, types and attributes. */
export interface Signature {
  kernel: string;
  /** Inputs were passed as a list, recorded under the name `inputs`. */
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
