// A GAN system: networks, phases over one state, and outputs. CONTRACT. The loop, the log, the report, checkpoints and
// the export do not depend on any particular system.
import type { Manifest, TensorSpec } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';
import type { OutputOption } from '../export/describe.js';
import type { ExportFunction } from '../export/subject.js';
import type { Schedule } from '../schedules/index.js';
import type { Phase, Source } from './phase.js';

/** Pictures of an output for the grids of a run. */
export interface Preview {
  /** Number of examples: rows of the inputs. */
  readonly count: number;
  /** Pictures in a row of the grid. Default: nearly square. */
  readonly columns?: number;
  /**
   * How often each example of the data is shown in succession; if equal to `columns`, an example fills a row of the
   * grid. Default 1.
   */
  readonly each?: number;
  /** Inputs by name. `data`: the first examples of the holdout, else of the data; random numbers are those of run 0. */
  readonly inputs: Readonly<Record<string, Source>>;
  /**
   * Makes the pictures instead of the output's own model, from the inputs above in their order: for generators whose
   * input is not a field of the data.
   */
  readonly model?: ExportFunction;
  /** Fields of the data shown before each picture, of the same example. */
  readonly beside?: readonly string[];
}

/** A generator of the system, for previews, measures and the exported file. */
export interface Output {
  /** A function or model in inference, with averaged weights if there are any. */
  readonly model: tf.LayersModel | ExportFunction;
  /** A name in a shape, such as `batch`, is a dynamic size. */
  readonly inputs: readonly (TensorSpec & { name: string })[];
  readonly outputs: readonly OutputOption[];
  /** Name of the file that a run writes, such as `generator.onnx`. */
  readonly file: string;
  readonly kind: Manifest['kind'];
  readonly preview?: Preview;
  /** Field of the data that its examples should look like. Default: the first of the same shape. */
  readonly like?: string;
}

/** Everything that training needs to know about a GAN. */
export interface GanSystem {
  readonly name: string;
  /** By role: `g`, `d`; `g_ab`, `d_a`. Their weights are counted in the report. */
  readonly networks: Readonly<Record<string, tf.LayersModel>>;
  /** All state: weights, statistics, moments, averages, pools, counters. Names are unique and stable. */
  readonly variables: readonly tf.Variable[];
  /** In the order in which an iteration runs them. */
  readonly phases: readonly Phase[];
  /**
   * Measures the networks from time to time, without changing anything; its scalars are added to the log. Diagnoses
   * read `spread`, `apart` and `d_overfit` (explained in systems/two-player/probe.ts).
   */
  readonly probe?: Phase;
  /** By name; the first is the one that grids show and `train` returns. */
  readonly outputs: Readonly<Record<string, Output>>;
  /**
   * Discriminators that score single examples, written as files of role `score` if `exportDiscriminator` is set; see
   * `discriminatorOutput`. They have no preview.
   */
  readonly discriminators?: Readonly<Record<string, Output>>;
  /** Scalars that depend on the iteration, by their name in sources and the log: `rate_g`, `rate_d`. */
  readonly schedules: Readonly<Record<string, Schedule>>;
  /** Scalars that share a chart of the report, by its title; each of the others gets its own chart. */
  readonly charts?: Readonly<Record<string, readonly string[]>>;
  dispose(): void;
}
