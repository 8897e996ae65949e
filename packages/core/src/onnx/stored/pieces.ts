// Reads and writes the numbers of one channel of a tensor, along any axis.

/** A tensor seen along an axis: element (o, channel, i) is at (o · channels + channel) · inner + i. */
export interface Along {
  outer: number;
  channels: number;
  inner: number;
}

/** Sizes before, at and after `axis`. */
export function along(sizes: readonly number[], axis: number): Along {
  const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);
  return { outer: product(sizes.slice(0, axis)), channels: sizes[axis] ?? 1, inner: product(sizes.slice(axis + 1)) };
}

/** The numbers of a channel. */
export function channelOf(values: Float32Array, { outer, channels, inner }: Along, channel: number): Float32Array {
  const numbers = new Float32Array(outer * inner);
  for (let o = 0; o < outer; o++) {
    const at = (o * channels + channel) * inner;
    numbers.set(values.subarray(at, at + inner), o * inner);
  }
  return numbers;
}

/** Writes the numbers of a channel; the inverse of {@link channelOf}. */
export function putChannel(
  all: { [index: number]: number },
  { outer, channels, inner }: Along,
  channel: number,
  numbers: ArrayLike<number>,
): void {
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) all[(o * channels + channel) * inner + i] = numbers[o * inner + i] ?? 0;
}
