// Brings a picture to the size and channels of a dataset: crop, padding or stretching, resizing, and transparency over
// a background. The same code in Node and in pages, so that a lossless file gives the same values everywhere.
import { ForjaError } from '@forja/core';
import type { PictureOptions } from './config.js';
import { lineDrawing, type Ink } from './lines.js';
import type { Picture } from './picture.js';

/** Size, channels and fitting of a field's pictures. */
export interface Target extends Pick<PictureOptions, 'fit' | 'alpha' | 'background'> {
  width: number;
  height: number;
  /** 1 grey (Rec. 601 luma), 3 RGB, 4 RGBA. */
  channels: number;
  /** Which half, for pairs side by side. */
  half?: 'left' | 'right';
  /** Use a line drawing of the picture, in this ink on white, instead of the picture. */
  lines?: Ink;
}

/** Part of a picture, in pixels. */
interface Region {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The bytes of the picture fitted to `target`. Throws ForjaError `data.alpha` if transparency is refused. */
export function fitPicture(picture: Picture, target: Target): Uint8Array {
  return target.lines ? linesOf(picture, target, target.lines) : fitted(picture, target);
}

/** Shortest side at which lines are drawn; they are shrunk to smaller sizes. */
const DRAWN = 64;

function linesOf(picture: Picture, target: Target, ink: Ink): Uint8Array {
  const times = Math.max(1, Math.ceil(DRAWN / Math.min(target.width, target.height)));
  const sides = { width: target.width * times, height: target.height * times };
  const drawing = lineDrawing({ ...sides, data: fitted(picture, { ...target, ...sides, channels: 4 }) }, ink);
  const { half: _, ...whole } = target;
  return fitted({ ...sides, channels: 3, data: drawing }, whole);
}

function fitted(picture: Picture, target: Target): Uint8Array {
  const whole = halfOf(picture, target.half);
  const { fit, width, height, channels } = target;
  const [from, to] = placed[fit](whole, target);
  const background = colourOf(target);
  const sums = resized(picture, from, to, channels, background, target.alpha);
  const out = new Uint8Array(width * height * channels);
  if (channels !== 4 && (to.width < width || to.height < height))
    for (let p = 0; p < out.length; p++) out[p] = Math.round(background[p % channels] ?? 0);
  for (let y = 0; y < to.height; y++)
    for (let x = 0; x < to.width; x++)
      writePixel(sums, (y * to.width + x) * channels, out, ((to.top + y) * width + to.left + x) * channels, channels);
  return out;
}

function halfOf({ width, height }: Picture, half: Target['half']): Region {
  if (half === undefined) return { left: 0, top: 0, width, height };
  const middle = Math.floor(width / 2); // the middle column of an odd width belongs to neither
  if (middle === 0)
    throw new ForjaError('data.format', `expected two pictures side by side, got one of width ${width}`);
  return { left: half === 'left' ? 0 : width - middle, top: 0, width: middle, height };
}

type Placing = (whole: Region, target: Target) => [from: Region, to: Region];

/** Which region of the picture is drawn into which region of the result. */
const placed: Record<Target['fit'], Placing> = {
  crop(whole, target) {
    const width = Math.max(1, Math.min(whole.width, Math.round((whole.height * target.width) / target.height)));
    const height = Math.max(1, Math.min(whole.height, Math.round((whole.width * target.height) / target.width)));
    const left = whole.left + ((whole.width - width) >> 1);
    return [{ left, top: whole.top + ((whole.height - height) >> 1), width, height }, all(target)];
  },
  pad(whole, target) {
    const scale = Math.min(target.width / whole.width, target.height / whole.height);
    const width = Math.max(1, Math.round(whole.width * scale));
    const height = Math.max(1, Math.round(whole.height * scale));
    return [whole, { left: (target.width - width) >> 1, top: (target.height - height) >> 1, width, height }];
  },
  stretch: (whole, target) => [whole, all(target)],
};

const all = ({ width, height }: Target): Region => ({ left: 0, top: 0, width, height });

const LUMA = [0.299, 0.587, 0.114] as const;

/** The background in the target's channels. */
function colourOf({ background, channels }: Target): number[] {
  const rgb = [1, 3, 5].map((at) => parseInt(background.slice(at, at + 2), 16));
  return channels === 1 ? [LUMA[0] * (rgb[0] ?? 0) + LUMA[1] * (rgb[1] ?? 0) + LUMA[2] * (rgb[2] ?? 0)] : rgb;
}

/**
 * The region resized, as sums in 0..255; with 4 channels, colours are multiplied by alpha. Row by row, so that a large
 * photo needs no second copy.
 */
function resized(
  picture: Picture,
  from: Region,
  to: Region,
  channels: number,
  background: number[],
  alpha: Target['alpha'],
): Float32Array {
  const columns = weights(from.width, to.width);
  const rows = weights(from.height, to.height);
  const stride = to.width * channels;
  const out = new Float32Array(to.height * stride);
  const line = new Float32Array(from.width * channels);
  const narrow = new Float32Array(stride);
  for (let y = 0; y < from.height; y++) {
    readLine(picture, from, y, line, channels, background, alpha);
    narrow.fill(0);
    for (let x = 0; x < from.width; x++) {
      for (let k = columns.start[x] as number; k < (columns.start[x + 1] as number); k++) {
        const [w, at] = [columns.weight[k] as number, (columns.out[k] as number) * channels];
        for (let c = 0; c < channels; c++) narrow[at + c]! += w * line[x * channels + c]!;
      }
    }
    for (let k = rows.start[y] as number; k < (rows.start[y + 1] as number); k++) {
      const [w, at] = [rows.weight[k] as number, (rows.out[k] as number) * stride];
      for (let i = 0; i < stride; i++) out[at + i]! += w * narrow[i]!;
    }
  }
  return out;
}

/** Outputs that source position k contributes to: entries start[k] … start[k + 1] − 1 of `out` and `weight`. */
export interface Weights {
  start: Uint32Array;
  out: Uint32Array;
  weight: Float64Array;
}

/** Shrinking: the mean of the area that an output covers. Enlarging: linear between the centres of pixels. */
export function weights(n: number, m: number): Weights {
  const entries: [source: number, out: number, weight: number][] = [];
  const scale = n / m;
  for (let i = 0; i < m; i++) {
    if (m <= n) {
      const [a, b] = [i * scale, Math.min(n, (i + 1) * scale)];
      for (let k = Math.floor(a); k < b && k < n; k++) {
        const share = Math.min(b, k + 1) - Math.max(a, k);
        if (share > 1e-9) entries.push([k, i, share / scale]);
      }
    } else {
      const x = Math.min(n - 1, Math.max(0, (i + 0.5) * scale - 0.5));
      const k = Math.min(n - 1, Math.floor(x));
      entries.push([k, i, 1 - (x - k)]);
      if (x > k) entries.push([k + 1, i, x - k]);
    }
  }
  entries.sort(([a], [b]) => a - b);
  const start = new Uint32Array(n + 1);
  for (const [k] of entries) start[k + 1]! += 1;
  for (let k = 0; k < n; k++) start[k + 1]! += start[k]!;
  return {
    start,
    out: Uint32Array.from(entries, ([, i]) => i),
    weight: Float64Array.from(entries, ([, , w]) => w),
  };
}

/** One row of a region, in the target's channels and 0..255. */
function readLine(
  { data, channels: have, width }: Picture,
  from: Region,
  y: number,
  line: Float32Array,
  channels: number,
  background: number[],
  policy: Target['alpha'],
): void {
  const unit = data.BYTES_PER_ELEMENT === 2 ? 257 : 1; // 16 bits as 0..255
  const colour = have > 2;
  const transparent = have % 2 === 0;
  let at = ((from.top + y) * width + from.left) * have;
  for (let x = 0; x < from.width; x++, at += have) {
    const r = data[at]! / unit;
    const [g, b] = colour ? [data[at + 1]! / unit, data[at + 2]! / unit] : [r, r];
    const a = transparent ? data[at + have - 1]! / unit / 255 : 1;
    if (a < 1 && policy === 'refuse')
      throw new ForjaError(
        'data.alpha',
        `expected no transparency, got alpha ${Math.round(a * 255)} at ${from.left + x}, ${from.top + y}; ` +
          "set alpha to 'over', or channels to 4",
      );
    const to = x * channels;
    if (channels === 4) {
      line[to] = r * a;
      line[to + 1] = g * a;
      line[to + 2] = b * a;
      line[to + 3] = 255 * a;
    } else if (channels === 3) {
      line[to] = r * a + background[0]! * (1 - a);
      line[to + 1] = g * a + background[1]! * (1 - a);
      line[to + 2] = b * a + background[2]! * (1 - a);
    } else line[to] = (colour ? LUMA[0] * r + LUMA[1] * g + LUMA[2] * b : r) * a + background[0]! * (1 - a);
  }
}

/** A pixel of sums as bytes; with 4 channels, colours are divided by alpha again. */
function writePixel(sums: Float32Array, from: number, out: Uint8Array, to: number, channels: number): void {
  const alpha = channels === 4 ? sums[from + 3]! / 255 : 1;
  for (let c = 0; c < channels; c++) {
    const value = c === 3 || alpha === 0 ? sums[from + c]! : sums[from + c]! / alpha;
    out[to + c] = Math.min(255, Math.max(0, Math.round(value)));
  }
}
