// Quantises the numbers of one output channel to 8 or 16 bits: v ≈ (q - zero) · scale. By rounding, or without loss if
// they are on a grid already, as in files that were quantised before.

/** A channel as whole numbers. */
export interface QuantisedChannel {
  q: Int32Array;
  /** float32. */
  scale: number;
  zero: number;
}

/** v ≈ q · scale with q from -127 to 127; scale = max|v| / 127. Rounds to the nearest, ties to even. */
export function symmetric(values: Float32Array): QuantisedChannel {
  const most = values.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  const scale = Math.fround(most / 127) || 1;
  return { q: Int32Array.from(values, (v) => clamp(even(v / scale), -127, 127)), scale, zero: 0 };
}

/** v ≈ (q - zero) · scale with q from 0 to 255, over the range of the values; 0 is exact. */
export function affine(values: Float32Array): QuantisedChannel {
  let [low, high] = [0, 0];
  for (const v of values) [low, high] = [Math.min(low, v), Math.max(high, v)];
  const scale = Math.fround((high - low) / 255) || 1;
  const zero = clamp(even(-low / scale), 0, 255);
  return { q: Int32Array.from(values, (v) => clamp(even(v / scale) + zero, 0, 255)), scale, zero };
}

/** The relative distance from whole numbers that float32 rounding may cause. */
const SLACK = 2 ** -21;

/**
 * The channel without loss (except for the last bits of float32), if its values are integer multiples of a step and
 * span at most `steps` of them (255 or 65535). Uses the largest such step. Undefined if there is none.
 */
export function onGrid(values: Float32Array, steps: number): QuantisedChannel | undefined {
  let [low, high] = [0, 0];
  for (const v of values) [low, high] = [Math.min(low, v), Math.max(high, v)];
  if (low === high) return { q: new Int32Array(values.length), scale: 1, zero: 0 };
  const peak = Math.max(high, -low);
  // The largest magnitude must be a whole number of steps, so all such numbers are tried. Most fail on the first few
  // values.
  const most = Math.min(steps, Math.floor((steps * peak) / (high - low) + 0.5));
  for (let count = 1; count <= most; count++) {
    const slack = Math.max(1e-6, count * SLACK);
    if (values.every((v) => whole((v / peak) * count, slack))) {
      const scale = Math.fround(peak / count);
      const zero = -Math.round((low / peak) * count);
      return { q: Int32Array.from(values, (v) => Math.round((v / peak) * count) + zero), scale, zero };
    }
  }
  return undefined;
}

function whole(x: number, slack: number): boolean {
  return Math.abs(x - Math.round(x)) <= slack;
}

function clamp(x: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, x));
}

/** To the nearest whole number, ties to even. */
function even(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
}
