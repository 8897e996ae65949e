// The manifest: what a generator file says of itself, JSON in the model's metadata_props under "forja.manifest".
import type { DType, Dim } from '../tensor.js';

/** Metadata key that holds the manifest. */
export const MANIFEST_KEY = 'forja.manifest';

/** What a model does. `function` is any ONNX model. */
export type ManifestKind = 'latent' | 'image-to-image' | 'super-resolution' | 'function';

/** An input of the model. */
export interface ManifestInput {
  name: string;
  /**
   * `psi`: how far styles stay from their mean, 1 as they are. `mix`: a second latent. `layer`: the number of the first
   * layer that the second latent styles; the end of `range` is none. A role that a reader does not know is `tensor` to
   * it: `run` takes such a model, `sample` says which input it cannot fill.
   */
  role: 'latent' | 'label' | 'noise' | 'psi' | 'mix' | 'layer' | 'image' | 'tensor';
  dtype: DType;
  shape: Dim[];
  distribution?: 'normal' | 'uniform';
  /** For a label: the names of the classes, by index. */
  classes?: string[];
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
 * See design section 4. `integrity` is over the encoded GraphProto, then each external file by location, so metadata
 * stays editable.
 */
export interface Manifest {
  version: 1;
  kind: ManifestKind;
  inputs: ManifestInput[];
  outputs: ManifestOutput[];
  /**
   * Dynamic dims that must be multiples of a number, by name: a network that halves a picture three times and joins the
   * halves again takes multiples of 8.
   */
  steps?: Record<string, number>;
  /**
   * The least and the greatest size of dynamic dims, by name, that the file is known to be right for: a function that
   * looks at a size may do otherwise beyond. Absent: any.
   */
  bounds?: Record<string, [number, number]>;
  /** What most weights are: `fp16` where convolutions and products are in half precision. Absent: not said. */
  precision?: 'fp32' | 'fp16';
  integrity: { sha256: string; bytes: number };
  producer: string;
  license?: string;
  trainedOn?: string;
  metrics?: Record<string, unknown>;
}
