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
/** What a run of a phase is fed. */
export interface GameFeed {
  phase: string;
  inputs: Record<string, { shape: number[]; data: Float32Array | Int32Array; dtype?: 'int32' }>;
}
export interface GameVectors {
  case: string;
  /** Seed of the numbers that a step draws itself. */
  seed: number;
  options: Record<string, unknown>;
  batch: number;
  /** Shapes of the data's fields, by the names that the case gives them. */
  shape: number[];
  input: number[];
  target: number[];
  /** In order of the runs. */
  feeds: GameFeed[];
  /** Of the last iteration; the mean where a phase runs several times. */
  scalars: Record<string, number>;
  state: Record<string, { initial: Vector; updated: Vector }>;
}
export function readGame(name: string): GameVectors;
/** The vectors of a file whose tensors are packed: 'augment'. */
export function readVectors(name: string): unknown;
/** Bytes of a text in base64. */
export function fromBase64(text: string): Uint8Array;
