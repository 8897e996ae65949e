// Types of read.mjs.
export interface Vector {
  shape: number[];
  data: Float32Array;
}
export interface StepVectors {
  case: string;
  config: Record<string, unknown>;
  optimizer: {
    kind: 'adam';
    beta1: number;
    beta2: number;
    epsilon: number;
    stepsDone: number;
    rateG: number;
    rateD: number;
  };
  inputs: { real: Vector; z: Vector };
  outputs: { fake: Vector; logits_real: Vector; logits_fake: Vector };
  losses: { d: number; g: number };
  variables: Record<
    string,
    { initial: Vector; gradient: Vector; updated: Vector; m0: Vector; v0: Vector; m: Vector; v: Vector }
  >;
  moving: Record<string, { initial: Vector; after_d: Vector; updated: Vector }>;
}
export function readStep(name: 'dcgan28' | 'pool-avg' | 'pool-max' | 'mlp'): StepVectors;
