// Messages between the page and its training worker.
import type { DeviceName } from '@forja/core';

/** Where the examples come from. */
export type DataChoice =
  | { kind: 'ring' | 'grid' | 'mnist' }
  /** Points of the plane, [n · 2], that were drawn on the page. */
  | { kind: 'drawn'; points: Float32Array }
  /** The visitor's pictures, cropped to squares of this edge. */
  | { kind: 'files'; files: readonly File[]; size: number };

/** Settings of a run. */
export interface Settings {
  steps: number;
  batch: number;
  /** Units or channels of the widest layers. */
  base: number;
  seed: number;
  loss: string;
  /** A penalty's name, or '' for none. */
  penalty: string;
  rates: { g: number; d: number };
  device: DeviceName;
}

/** Messages from the page. */
export type Ask =
  /** Points of the data, to show before a run. */
  | { type: 'look'; kind: 'ring' | 'grid' }
  | { type: 'start'; settings: Settings; data: DataChoice; checkpoint?: Uint8Array }
  /** Pauses before the next step until `go`. */
  | { type: 'pause' }
  | { type: 'go' }
  /** Ends the run and exports its generator. */
  | { type: 'export' };

/** One step's scalars, by name. */
export interface StepScalars {
  step: number;
  scalars: Readonly<Record<string, number>>;
}

/** Messages from the worker. */
export type Tell =
  | { type: 'target'; kind: 'ring' | 'grid'; points: Float32Array }
  | { type: 'started'; device: string; parameters: Readonly<Record<string, number>>; step: number }
  | { type: 'steps'; steps: StepScalars[]; imagesPerSecond: number }
  | { type: 'picture'; step: number; width: number; height: number; rgba: Uint8ClampedArray<ArrayBuffer> }
  /** Generated points, and the discriminator's probabilities on a grid of the plane, from the bottom row up. */
  | { type: 'plane'; step: number; points: Float32Array; edge: number; field: Float32Array }
  | { type: 'checkpoint'; step: number; bytes: Uint8Array }
  | { type: 'model'; step: number; bytes: Uint8Array; error: number }
  | { type: 'note'; text: string }
  | { type: 'failed'; message: string };

/** Half the edge of the shown square of the plane. */
export const REACH = 1.2;
