// What the files of this folder share: options of an export and of its verification, a verification job, and what
// comparisons report. CONTRACT.
import type { Manifest, Runtime } from '@forja/core';
import type { StoredWeight, WeightStorage } from '@forja/core/onnx';
import type { Perm } from '../lower/contract.js';
import type { Program } from '../program/program.js';
import type { Bounds } from './bounds.js';
import type { Distance } from './compare.js';
import type { LayoutOption, OutputOption } from './describe.js';
import type { ExternalDataOption } from './external.js';
import type { DrawnSpec } from './feeds.js';
import type { Watched } from './progress.js';
import type { StateOption } from './state.js';
import type { InputOption, Subject } from './subject.js';
import type { Sizes } from './traced.js';
import type { Quantisation } from './uint8.js';

/** Options of `exportOnnx`. */
export interface ExportOptions extends Watched {
  /**
   * Required for functions. For models, each entry applies to the input of that name or position, and may name its dims
   * and its role. A string in a shape is a dynamic dim. Verification draws from `range`.
   */
  inputs?: InputOption[];
  /** By position. */
  outputs?: OutputOption[];
  /**
   * Smallest and largest size of dynamic dims, such as `{ height: [32, 1024] }`. The file is checked within these
   * bounds and its manifest states them, and `load` refuses other sizes. Default: no bounds, except for dims whose size
   * the function's own code reads, which are tried up to 2048.
   */
  bounds?: Bounds;
  /**
   * How to treat tf.Variables that the function assigns and that its results depend on. `explicit`: the variable
   * becomes an input of its name and an output `<name>_next`; pass `state` of the result to `createSession` to
   * keep the state. Default `refuse`.
   */
  state?: StateOption;
  /** 17 to 22, default 21. */
  opset?: number;
  /** Layout of four-dimensional inputs and outputs. Default: tfjs's own, NHWC. */
  layout?: LayoutOption;
  /**
   * `fp16`: weights, and the computations with them where that is safe, are in half precision; inputs and outputs stay
   * float32. Default `fp32`.
   */
  precision?: 'fp32' | 'fp16';
  /**
   * How large weights are stored; computing stays in float32. `int8`: a scale for each output channel. `uint8`: a zero
   * point too. `fp16`: half precision. `exact`: smaller only where nothing is lost. The file is verified with float32
   * weights first; the smaller one is then compared with it in decibels. Default `float32`, or, for models that
   * `loadTfjsModel` read from quantised files, the storage that keeps their size.
   */
  weights?: 'float32' | WeightStorage;
  /** `uint8-*`: the file outputs pictures as bytes, in that layout. Default `float`. */
  imageOutput?: 'float' | 'uint8-nchw' | 'uint8-nhwc';
  /**
   * Whether weights go into a separate file. `'auto'` (default): if they have more than 1 GiB; a number: if they have
   * more bytes than that; `true`, `false`: always, never.
   */
  externalData?: ExternalDataOption;
  /** Fields of the manifest; they override the derived ones. */
  metadata?: Partial<Manifest>;
  /**
   * Computes a SHA-256 in hexadecimal. Default: Web Crypto, which copies the weights and takes no more than 2 GiB;
   * `@forja/trainer/node` fills in another.
   */
  digest?: (bytes: Uint8Array) => Promise<string>;
  /** Default: verified. `false` skips it, and the report says so. */
  verify?: false | VerifyOptions;
}

/** Options of verification. */
export interface VerifyOptions {
  /** Runs the file. `@forja/trainer/node` fills it in. */
  runtime?: Runtime;
  /**
   * Sizes of the dynamic dims to verify at. Default: three that were not traced, including the smallest that the
   * function accepts.
   */
  sizes?: Record<string, number>[];
  /** Seeds per size. Default 2; 8 for small networks, so that effects of rare inputs are seen. */
  seeds?: number;
  /** Bound on max |a - b| / max(1e-2, p99.9 of |tfjs|). Default 1e-4. */
  tolerance?: number;
  /**
   * Decibels that outputs must reach where rounding is part of the export: half precision (default 45, against tfjs),
   * and weights stored smaller (35 for 8 bits, 45 for half precision, 80 for `exact`, against float32 weights).
   */
  psnr?: number;
  /** Also compares every call of the program, which takes a second graph with every value as output. */
  perNode?: boolean;
}

/** Options of `verifyOnnx`. */
export interface VerifyOnnxOptions extends Omit<VerifyOptions, 'perNode'> {
  /** Inputs of the tfjs side, as in exportOnnx. */
  inputs?: InputOption[];
  outputs?: { name?: string }[];
  /** As in exportOnnx: sizes that dynamic dims have. Default: those of the file's manifest. */
  bounds?: Bounds;
  /** As in exportOnnx: how to treat state between calls. */
  state?: StateOption;
  /** Files with the model's weights, by location. */
  external?: ReadonlyMap<string, Uint8Array>;
}

/** One input of the file and of the function. */
export interface VerifiedInput extends DrawnSpec {
  /** Name in the function. */
  name: string;
  /** Name in the file. */
  file: string;
  /** Axis order in the file; undefined for tfjs's own. */
  order?: Perm;
}

/** One output of the file and of the function. */
export interface VerifiedOutput {
  name: string;
  file: string;
  order?: Perm;
  /** For bytes: how they are computed from the values. */
  quantised?: Quantisation;
  /** Range of the values. */
  range?: readonly [number, number];
}

/** A verification job. */
export interface Verification {
  subject: Subject;
  inputs: readonly VerifiedInput[];
  outputs: readonly VerifiedOutput[];
  sizes: readonly Sizes[];
  /** Sizes that the file was traced at. */
  traced: readonly Sizes[];
  /** Sizes at which the function calls other kernels than those that the file was made from. */
  branches?: readonly { sizes: Sizes; why: string }[];
  /** Default: see verify.ts. */
  seeds?: number;
  tolerance: number;
  /** For files in half precision: outputs must reach this many decibels, instead of the tolerance. */
  psnr?: number;
  /** The program that the file was lowered from, if known: a failure then names the first call that differs. */
  program?: Program;
  /** Outputs that do not depend on inputs, and so are the same at every draw. */
  fixed: readonly string[];
  /** Magnitudes that the draws must also reach: see thresholds.ts. */
  beyond?: readonly number[];
}

/** One comparison of one output. */
export interface OutputError extends Distance {
  /** Which output. */
  output: string;
  /** Seed of the drawn inputs. */
  seed: number;
  /** Sizes of the dynamic dims. */
  sizes: Sizes;
  /** Whether the function was traced at these sizes. */
  traced: boolean;
  /** Distribution of the drawn inputs, if not the default one. */
  drawn?: string;
  /** For files in half precision: decibels, at most 200. */
  psnr?: number;
}

/** The error of one call. */
export interface NodeError {
  /** The tfjs kernel. */
  kernel: string;
  /** The layer that called it. */
  layer?: string;
  /** Where in the code: file and line. */
  site?: string;
  /** Greatest absolute difference. */
  max: number;
  /** Greatest relative difference, as in {@link OutputError}. */
  relative: number;
}

/** What was stored, and what it costs. */
export interface StoredReport {
  type: WeightStorage;
  weights: StoredWeight[];
  /** Bytes of these weights, scales included, and of the same weights in float32. */
  bytes: number;
  before: number;
  /** Required decibels, and the lowest of all outputs; absent if verification was skipped. */
  psnr?: { least: number; found: number };
}
