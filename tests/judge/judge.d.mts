// Types of judge.mjs.
export interface Judgement {
  fractionAbove: number;
  classShare: number[];
  classShareAbove: number[];
  scores: Float32Array;
  labels: Uint8Array;
}
export const THRESHOLD: number;
export function readJudge(): Promise<Uint8Array>;
export function judgeImages(pixels: Float32Array, count: number): Promise<Judgement>;
