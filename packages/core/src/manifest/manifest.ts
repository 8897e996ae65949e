// The manifest: a generator file's description of itself, JSON in the model's metadata_props under "forja.manifest".
import type { DType, Dim } from '../tensor.js';

/** Metadata key that holds the manifest. */
export const MANIFEST_KEY = 'forja.manifest';

/** What a model does. `function` is any ONNX model. */
export type ManifestKind = 'latent' | 'image-to-image' | 'super-resolution' | 'function';

/** An input of the model. */
export interface ManifestInput {
  name: string;
  /**
   * `text`: token ids of `vocabulary`. `psi`: scale of styles around their mean; 1 leaves them unchanged. `mix`: a
   * second latent. `layer`: the first layer that the second latent styles; the upper end of `range` means none. Readers
   * treat an unknown role as `tensor`: `run` works with such a model, `sample` names the input that it cannot fill.
   */
  role: 'latent' | 'label' | 'text' | 'noise' | 'psi' | 'mix' | 'layer' | 'image' | 'tensor';
  dtype: DType;
  shape: Dim[];
  distribution?: 'normal' | 'uniform';
  /** For a label: the names of the classes, by index. */
  classes?: string[];
  /** For a text, [batch, length]: its words in lower case, by token id; id 0 is padding, ''. */
  vocabulary?: string[];
  range?: [number, number];
  layout?: 'nchw' | 'nhwc';
}

/** An output of the model. */
export interface ManifestOutput {
  name: string;
  role: 'image' | 'tensor' | 'score';
  dtype: DType;
  shape: Dim[];
  range?: [number, number];
  layout?: 'nchw' | 'nhwc';
}

/**
 * The manifest. `integrity` covers the encoded GraphProto, then each external file by location, so metadata stays
 * editable.
 */
export interface Manifest {
  version: 1;
  kind: ManifestKind;
  inputs: ManifestInput[];
  outputs: ManifestOutput[];
  /**
   * Dynamic dims that must be multiples of a number, by name: for example 8 for a network with three stride-2 stages
   * and skip connections.
   */
  steps?: Record<string, number>;
  /**
   * The least and the greatest size of dynamic dims, by name, for which the file is proven right: a function that reads
   * a size may branch beyond. Absent: any.
   */
  bounds?: Record<string, [number, number]>;
  /** Precision of the weights: `fp16` if convolutions and matrix products are in half precision. Absent: unknown. */
  precision?: 'fp32' | 'fp16';
  integrity: { sha256: string; bytes: number };
  producer: string;
  license?: string;
  trainedOn?: string;
  metrics?: Record<string, unknown>;
}
