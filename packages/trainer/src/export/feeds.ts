// The inputs that an export is verified with: drawn by seed, of the kind that each input is meant for.
import { philoxNormal, philoxUniform, sizeOf, type ManifestInput } from '@forja/core';
import type { ConstantData, ProgramDType } from '../program/program.js';

/** One input, in tfjs's logical layout. */
export interface Drawn {
  dtype: ProgramDType;
  shape: number[];
  data: ConstantData;
}

/** What decides how an input is drawn. */
export interface DrawnSpec {
  dtype: ProgramDType;
  role: ManifestInput['role'];
  distribution?: 'normal' | 'uniform' | 'bernoulli';
  range?: readonly [number, number];
  classes?: number;
}

/**
 * Floats: normal for latents and noise, uniform in their range for pictures ([-1, 1] without one), normal otherwise.
 * Integers: from 0 to the last class or in their range, else 0 and 1; all of them, each as often, where there is room.
 * `stream` is the input's place, so that two inputs differ.
 */
export function draw(spec: DrawnSpec, shape: readonly number[], seed: number, stream: number): Drawn {
  const at = { seed, step: 0, stream };
  const count = sizeOf(shape);
  const picture = spec.role === 'image' ? ([-1, 1] as const) : undefined;
  if (spec.dtype === 'float32') {
    const range =
      spec.range ??
      (spec.distribution !== 'uniform' ? picture : spec.role === 'latent' ? ([-1, 1] as const) : ([0, 1] as const));
    if (spec.distribution === 'bernoulli')
      return { dtype: 'float32', shape: [...shape], data: philoxUniform(at, count).map((u) => (u < 0.5 ? 1 : 0)) };
    if (range === undefined || spec.distribution === 'normal')
      return { dtype: 'float32', shape: [...shape], data: philoxNormal(at, count) };
    const [low, high] = range;
    return { dtype: 'float32', shape: [...shape], data: philoxUniform(at, count).map((u) => low + u * (high - low)) };
  }
  const [low, high] = spec.range ?? [0, Math.max(1, (spec.classes ?? 2) - 1)];
  const classes = high - low + 1;
  const uniform = philoxUniform(at, count);
  // A class that is not drawn is not verified: few are counted through, and shuffled, so that the same one also stands
  // twice in a row.
  const whole =
    classes <= 4 * count
      ? shuffled(count, uniform).map((i) => low + (i % classes))
      : Array.from(uniform, (u) => low + Math.min(classes - 1, Math.floor(u * classes)));
  return {
    dtype: spec.dtype,
    shape: [...shape],
    data: spec.dtype === 'bool' ? Uint8Array.from(whole, (v) => v & 1) : Int32Array.from(whole),
  };
}

/**
 * 0 to `count` - 1 in the order of `by`, from where it points: which of the classes have one more place differs from
 * seed to seed.
 */
function shuffled(count: number, by: Float32Array): number[] {
  const first = Math.floor((by[0] ?? 0) * count);
  return Array.from(by.keys())
    .sort((a, b) => (by[a] ?? 0) - (by[b] ?? 0))
    .map((i) => i + first);
}
