// A GAN system: networks, the phases of their game over one state, and what comes out. CONTRACT. The loop, the log, the
// report, checkpoints and the export know no system by name.
import type { Manifest, TensorSpec } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';
import type { OutputOption } from '../export/describe.js';
import type { ExportFunction } from '../export/subject.js';
import type { Schedule } from '../schedules/index.js';
import type { Phase, Source } from './phase.js';

/** Pictures of an output for the grids of a run. */
export interface Preview {
  /** Examples. Inputs have this many rows. */
  readonly count: number;
  /** Pictures in a row of the grid. Default: nearly square. */
  readonly columns?: number;
  /** How often each example of the data stands in turn: a row each where it is `columns`. Default 1. */
  readonly each?: number;
  /** Inputs by name. `data`: the first examples of the holdout, or of the data; random numbers are those of run 0. */
  readonly inputs: Readonly<Record<string, Source>>;
  /**
   * What is shown in place of what the output's own model makes: a function of the inputs above, in their order. For
   * generators whose input the data does not have as it is.
   */
  readonly model?: ExportFunction;
  /** Fields of the data shown before each picture, from the same examples. */
  readonly beside?: readonly string[];
}

/** A generator of the system: what previews show, measures draw from, and a file holds. */
export interface Output {
  /** A function or model in inference, of the averaged weights where there are any. */
  readonly model: tf.LayersModel | ExportFunction;
  /** A name in a shape, such as `batch`, is a dynamic size. */
  readonly inputs: readonly (TensorSpec & { name: string })[];
  readonly outputs: readonly OutputOption[];
  /** Name of the file that a run writes, such as `generator.onnx`. */
  readonly file: string;
  readonly kind: Manifest['kind'];
  readonly preview?: Preview;
  /** Field of the data that its examples should look like; default: the first of their shape. */
  readonly like?: string;
}

/** Everything that training needs to know of a GAN. */
export interface GanSystem {
  readonly name: string;
  /** By role: `g`, `d`; `g_ab`, `d_a`. Counted and reported. */
  readonly networks: Readonly<Record<string, tf.LayersModel>>;
  /** All state: weights, statistics, moments, averages, pools, counters. Names are unique and stable. */
  readonly variables: readonly tf.Variable[];
  /** One iteration runs them in this order. */
  readonly phases: readonly Phase[];
  /**
   * A look at the networks that changes nothing, run every so many logged steps: its scalars join the log. Diagnoses
   * are made of `spread`, `apart` and `d_overfit` (systems/two-player/probe.ts says what they are).
   */
  readonly probe?: Phase;
  /** By name; the first is the one that grids show and `train` returns. */
  readonly outputs: Readonly<Record<string, Output>>;
  /**
   * Discriminators that judge examples one by one, as files of role `score`, which `exportDiscriminator` asks for; see
   * `discriminatorOutput`. They have no preview.
   */
  readonly discriminators?: Readonly<Record<string, Output>>;
  /** Scalars that follow the iteration, by the name that sources and the log use: `rate_g`, `rate_d`. */
  readonly schedules: Readonly<Record<string, Schedule>>;
  /** Scalars that share a chart of the report, by its title; others get charts of their own. */
  readonly charts?: Readonly<Record<string, readonly string[]>>;
  dispose(): void;
}
