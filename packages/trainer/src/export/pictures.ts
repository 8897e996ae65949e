// Pictures for verification: networks are made for pictures with areas, edges and grain, which independent random
// pixels lack. Also infers the value range of a network's pictures from its first operations.
import type { Constants } from './domain.js';
import { traitsOf } from '../kernels/traits.js';
import { callInputs, type KernelCall, type Program, type Size, type ValueId } from '../program/program.js';

/** Whether a shape is that of pictures: [n, h, w, 1, 3 or 4]. */
export function isPicture(shape: readonly Size[]): boolean {
  return shape.length === 4 && [1, 3, 4].includes(Number(shape[3]));
}

/** Number of rectangles in a picture. */
const AREAS = 6;

/** Fraction of the range that is grain. */
const GRAIN = 0.15;

/**
 * Paints a gradient from corner to corner, rectangles of other colours, and grain. `noise`: uniform numbers, one per
 * element.
 */
export function paint(
  noise: Float32Array,
  shape: readonly number[],
  [low, high]: readonly [number, number],
): Float32Array {
  const [batch = 1, height = 1, width = 1, channels = 1] = shape;
  const size = height * width * channels;
  const result = new Float32Array(noise.length);
  for (let n = 0; n < batch; n++) {
    // Rectangles are derived from the picture's noise, so that no two pictures are alike.
    const own = (i: number): number => noise[n * size + ((i * 7919) % Math.max(1, size))] ?? 0;
    const areas = Array.from({ length: AREAS }, (_, k) => ({
      top: own(8 * k) * height,
      left: own(8 * k + 1) * width,
      bottom: own(8 * k + 2) * height,
      right: own(8 * k + 3) * width,
      colour: [own(8 * k + 4), own(8 * k + 5), own(8 * k + 6), own(8 * k + 7)],
    }));
    for (let at = 0; at < size; at++) {
      const c = at % channels;
      const x = Math.floor(at / channels) % width;
      const y = Math.floor(at / (channels * width));
      const area = areas.find(
        (a) =>
          y >= Math.min(a.top, a.bottom) &&
          y <= Math.max(a.top, a.bottom) &&
          x >= Math.min(a.left, a.right) &&
          x <= Math.max(a.left, a.right),
      );
      const smooth = area?.colour[c] ?? ((x + 0.5) / width + (y + 0.5) / height) / 2;
      const value = (1 - GRAIN) * smooth + GRAIN * (noise[n * size + at] ?? 0);
      result[n * size + at] = low + value * (high - low);
    }
  }
  return result;
}

/** Candidate ranges of pictures whose range is not stated. */
const RANGES = [
  [-1, 1],
  [0, 1],
  [0, 255],
] as const;

/**
 * The candidate range that the function's first operations (sums and products with constants) map closest to mean 0 and
 * magnitude 1. Default [-1, 1].
 */
export function pictureRange(program: Program, input: ValueId, constant: Constants): readonly [number, number] {
  let [factor, shift, at]: [number, number, ValueId | undefined] = [1, 0, input];
  while (at !== undefined) {
    const value: ValueId = at;
    const call = program.calls.find((one) => callInputs(one).includes(value));
    const step = call === undefined ? undefined : stepOf(call, value, constant);
    if (step === undefined) break;
    [factor, shift] = [factor * step.times, shift * step.times + step.plus];
    at = call?.outputs[0];
  }
  const badness = ([low, high]: readonly [number, number]): number => {
    const [middle, half] = [(factor * (low + high)) / 2 + shift, (Math.abs(factor) * (high - low)) / 2];
    return half > 0 ? Math.abs(middle) / half + Math.abs(Math.log10(half)) : Infinity;
  };
  return RANGES.reduce<readonly [number, number]>(
    (best, range) => (badness(range) < badness(best) ? range : best),
    RANGES[0],
  );
}

/** The call as x · times + plus; undefined if it is not affine. */
function stepOf(call: KernelCall, value: ValueId, constant: Constants): { times: number; plus: number } | undefined {
  const { adds, broadcasts, linear, moves, within } = traitsOf(call.kernel);
  if ((moves ?? within) !== undefined || call.kernel === 'Cast') return { times: 1, plus: 0 };
  const { a, b } = call.inputs;
  const only = adds?.['x'];
  if (only !== undefined) return { times: only, plus: 0 };
  if (typeof a !== 'number' || typeof b !== 'number' || a === b) return undefined;
  const first = a === value;
  const data = constant(first ? b : a);
  if (data === undefined || data.length === 0 || data.length > 16) return undefined;
  const c = Array.from(data).reduce((sum, v) => sum + v, 0) / data.length;
  const [own, other] = first ? ['a', 'b'] : ['b', 'a'];
  if (adds !== undefined) return { times: adds[own] ?? 0, plus: c * (adds[other] ?? 0) };
  if (broadcasts !== true || linear?.includes(own) !== true) return undefined;
  return { times: call.kernel === 'RealDiv' ? 1 / c : c, plus: 0 };
}
