// The manifest: a generator file's description of itself, JSON in the model's metadata_props under "forja.manifest".
import type { DType, Dim } from '../tensor.js';

/** Metadata key that holds the manifest. */
export const MANIFEST_KEY = 'forja.manifest';

/** What a model does. `function` is any other ONNX model. */
export type ManifestKind = 'latent' | 'image-to-image' | 'super-resolution' | 'function';

/** An input of the model. */
export interface ManifestInput {
  /** The graph's name for it. */
  name: string;
  /**
   * `text`: token ids of `vocabulary`. `psi`: scale of styles around their mean; 1 leaves them unchanged. `mix`: a
   * second latent. `layer`: the first layer that the second latent styles; the upper end of `range` means none. Readers
   * treat an unknown role as `tensor`: `run` works with such a model; `sample` refuses it and names the input that it
   * cannot fill.
   */
  role: 'latent' | 'label' | 'text' | 'noise' | 'psi' | 'mix' | 'layer' | 'image' | 'tensor';
  /** Type of the elements. */
  dtype: DType;
  /** Sizes; a name is a dynamic dim, equal wherever it recurs. */
  shape: Dim[];
  /** For a latent or noise: its distribution, N(0, 1) or uniform on [−1, 1). */
  distribution?: 'normal' | 'uniform';
  /** For a label: the names of the classes, by index. */
  classes?: string[];
  /** For a text, [batch, length]: its words in lower case, by token id; id 0 is padding, ''. */
  vocabulary?: string[];
  /** Smallest and largest value; for a picture, the values of black and white. */
  range?: [number, number];
  /** For a picture: the order of its axes. */
  layout?: 'nchw' | 'nhwc';
}

/** An output of the model. */
export interface ManifestOutput {
  /** The graph's name for it. */
  name: string;
  /** `score`: how real a discriminator judges its input to be. Readers treat an unknown role as `tensor`. */
  role: 'image' | 'tensor' | 'score';
  /** Type of the elements. */
  dtype: DType;
  /** Sizes; a name is a dynamic dim. */
  shape: Dim[];
  /** For a picture: the values of black and white. */
  range?: [number, number];
  /** For a picture: the order of its axes. */
  layout?: 'nchw' | 'nhwc';
}

/**
 * The manifest. `integrity` covers the encoded GraphProto, then each external file, sorted by location. It leaves out
 * the metadata, so that these can be edited.
 */
export interface Manifest {
  /** Version of the manifest; readers refuse later ones with `model.unsupported`. */
  version: 1;
  /** Kind of model. */
  kind: ManifestKind;
  /** All inputs, in the graph's order. */
  inputs: ManifestInput[];
  /** All outputs, in the graph's order. */
  outputs: ManifestOutput[];
  /**
   * Dynamic dims that must be multiples of a number, by name: for example 8 for a network with three stride-2 stages
   * and skip connections.
   */
  steps?: Record<string, number>;
  /**
   * Smallest and largest size of dynamic dims, by name, for which the file was checked: with other sizes, a function
   * that reads the size might take a branch that the file does not have. Absent: any size.
   */
  bounds?: Record<string, [number, number]>;
  /**
   * By which number the network divides a side of its pictures, by the side's dim, if it is known and not 1: tiles
   * begin at multiples of it. Unlike `steps`, it does not restrict sizes.
   */
  strides?: Record<string, number>;
  /** Precision of the weights: `fp16` if convolutions and matrix products are in half precision. Absent: unknown. */
  precision?: 'fp32' | 'fp16';
  /**
   * The form in which large tensors of weights are stored, if smaller than the precision of the computation. Absent:
   * stored in that precision.
   */
  weights?: 'int8' | 'uint8' | 'fp16' | 'exact';
  /** SHA-256 in hex, and how many bytes it covers. */
  integrity: { sha256: string; bytes: number };
  /** What wrote the file: `forja`, or another tool. */
  producer: string;
  /** Licence given at the export: an SPDX expression, or free text. */
  license?: string;
  /** Description of the training data. */
  trainedOn?: string;
  /** Measures of the generator, as training wrote them. */
  metrics?: Record<string, unknown>;
}
