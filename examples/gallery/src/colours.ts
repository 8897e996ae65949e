// Colours to draw with: the main ones of a picture, or a few to begin with.

/** Some colours of a paint box. */
export const PAINTS: readonly string[] = [
  '#000000',
  '#ffffff',
  '#808080',
  '#c0392b',
  '#e6a817',
  '#3a8f3d',
  '#1d6fb8',
  '#7b4397',
  '#e67e22',
  '#7a4b2a',
  '#e88aa8',
];

/** Colours whose channels agree in this number of upper bits are counted as one. */
const BITS = 4;

/**
 * Up to `most` colours of RGBA pixels, the most frequent first. Colours that agree in the upper bits of each channel
 * are represented by the most frequent of them. Transparent pixels do not count.
 */
export function mainColours(pixels: Uint8ClampedArray, most: number): string[] {
  const alike = new Map<number, Map<number, number>>();
  const counts = new Map<number, number>();
  const upper = (byte: number): number => byte >> (8 - BITS);
  for (let at = 0; at < pixels.length; at += 4) {
    const byte = (channel: number): number => pixels[at + channel] ?? 0;
    const [r, g, b] = [byte(0), byte(1), byte(2)];
    if (byte(3) < 128) continue;
    const key = (upper(r) << (2 * BITS)) | (upper(g) << BITS) | upper(b);
    const colour = (r << 16) | (g << 8) | b;
    const members = alike.get(key) ?? new Map<number, number>();
    members.set(colour, (members.get(colour) ?? 0) + 1);
    alike.set(key, members);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const greatest = (of: ReadonlyMap<number, number>): [number, number][] => [...of].sort(([, a], [, b]) => b - a);
  return greatest(counts)
    .slice(0, most)
    .map(([key]) => greatest(alike.get(key) ?? new Map())[0]?.[0] ?? 0)
    .map((colour) => `#${colour.toString(16).padStart(6, '0')}`);
}
