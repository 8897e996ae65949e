// A line drawing of a picture, as someone might draw it with pens: edges by the method of Canny (1986, "A computational
// approach to edge detection"), without short ones, drawn as lines of one width on white paper.

/** The colour of lines: black, or of the darker side of each edge, as of what lies on top or on the paper. */
export type Ink = 'black' | 'coloured';

/** Edges whose contrast reaches `low` are drawn if they are connected to some that reach `high`, of 255. */
const CONTRAST = { low: 20, high: 44 };
/** Edges with fewer pixels than this share of the shorter side are left out. */
const SHORTEST = 1 / 8;
/** Width of a line, as a share of the shorter side. */
const PEN = 1 / 32;
/** How far from an edge its side is, as a share of the shorter side. */
const BESIDE = 1 / 32;
/** Greatest luma of a coloured line, so that white things have visible lines. */
const LIGHTEST = 190;
const LUMA = [0.299, 0.587, 0.114] as const;
/** Binomial weights, nearly a Gaussian of deviation 1. */
const SMOOTH = [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16] as const;
/** Sobel's filter of a step by 1 after {@link SMOOTH}; divided by it, slopes are in levels of the picture. */
const STEP = 2.5;

/** Numbers of a picture, row by row. Outside of the picture they are `outside`. */
interface Plane {
  width: number;
  height: number;
  values: Float32Array;
  outside: number;
}

/** A picture in RGBA, row by row; alpha is not premultiplied. */
interface Rgba {
  width: number;
  height: number;
  data: Uint8Array;
}

/**
 * The lines of a picture, in RGB, pixels in the same order; the paper is white. There is a line where colours meet, and
 * where the picture ends and transparency begins.
 */
export function lineDrawing(picture: Rgba, ink: Ink): Uint8Array {
  const planes = planesOf(picture);
  const { strength, across } = slopes(planes.map(smoothed));
  const pixels = connected(strength, crests(strength, across));
  const colour = inks[ink];
  return drawn(pixels, picture, (p) => colour(planes, p, NEIGHBOURS[across[p]!]!)); // one of four
}

/** Red, green and blue over white paper, and alpha. */
function planesOf({ width, height, data }: Rgba): Plane[] {
  return [0, 1, 2, 3].map((c) => {
    const values = Float32Array.from({ length: width * height }, (_, p) => {
      const alpha = data[4 * p + 3]! / 255;
      return c < 3 ? data[4 * p + c]! * alpha + 255 * (1 - alpha) : 255 * alpha;
    });
    return { width, height, values, outside: c < 3 ? 255 : 0 };
  });
}

type Rgb = readonly [number, number, number];

/** The colour of the line at a pixel of an edge, whose sides are in direction `across`. */
const inks: Readonly<Record<Ink, (planes: readonly Plane[], p: number, across: readonly [number, number]) => Rgb>> = {
  black: () => [0, 0, 0],
  coloured(planes, p, [dx, dy]) {
    const [{ width, height } = { width: 1, height: 1 }] = planes;
    const [x, y] = [p % width, Math.floor(p / width)];
    const far = Math.round(BESIDE * Math.min(width, height));
    const beside = (by: number): Rgb => {
      const [r = 0, g = 0, b = 0] = planes.map((plane) => at(plane, x + by * dx, y + by * dy));
      return [r, g, b];
    };
    const [before, after] = [beside(-far), beside(far)];
    const darker = lumaOf(before) < lumaOf(after) ? before : after;
    const fade = Math.min(1, LIGHTEST / lumaOf(darker));
    return [darker[0] * fade, darker[1] * fade, darker[2] * fade];
  },
};

const lumaOf = ([r, g, b]: Rgb): number => LUMA[0] * r + LUMA[1] * g + LUMA[2] * b;

const at = ({ width, height, values, outside }: Plane, x: number, y: number): number =>
  x < 0 || y < 0 || x >= width || y >= height ? outside : values[y * width + x]!;

/** A plane of the same size, computed pixel by pixel. */
function each(like: Plane, value: (x: number, y: number) => number): Plane {
  const { width, values } = like;
  return { ...like, values: values.map((_, p) => value(p % width, Math.floor(p / width))) };
}

function smoothed(plane: Plane): Plane {
  const sum = (value: (offset: number) => number): number =>
    SMOOTH.reduce((total, weight, i) => total + weight * value(i - 2), 0);
  const rows = each(plane, (x, y) => sum((i) => at(plane, x + i, y)));
  return each(rows, (x, y) => sum((i) => at(rows, x, y + i)));
}

/** Slope of the steepest plane by Sobel's filter, and its direction as an index of {@link NEIGHBOURS}. */
function slopes(planes: readonly Plane[]): { strength: Plane; across: Uint8Array } {
  const [{ width, height } = { width: 0, height: 0 }] = planes;
  const strength: Plane = { width, height, values: new Float32Array(width * height), outside: 0 };
  const across = new Uint8Array(width * height);
  for (const plane of planes)
    for (let p = 0; p < across.length; p++) {
      const v = (dx: number, dy: number): number => at(plane, (p % width) + dx, Math.floor(p / width) + dy);
      const gx = v(1, -1) + 2 * v(1, 0) + v(1, 1) - v(-1, -1) - 2 * v(-1, 0) - v(-1, 1);
      const gy = v(-1, 1) + 2 * v(0, 1) + v(1, 1) - v(-1, -1) - 2 * v(0, -1) - v(1, -1);
      const slope = Math.hypot(gx, gy) / STEP;
      if (slope <= strength.values[p]!) continue;
      strength.values[p] = slope;
      across[p] = (Math.round(Math.atan2(gy, gx) / (Math.PI / 4)) + 4) % 4;
    }
  return { strength, across };
}

/** Steps to a neighbour in each of four directions: right, below on the right, below, below on the left. */
const NEIGHBOURS = [
  [1, 0],
  [1, 1],
  [0, 1],
  [-1, 1],
] as const;

/** Pixels that are steeper than both neighbours across the edge: lines one pixel wide. */
function crests(strength: Plane, across: Uint8Array): Uint8Array {
  return across.map((direction, p) => {
    const [dx, dy] = NEIGHBOURS[direction]!; // one of four
    const [x, y] = [p % strength.width, Math.floor(p / strength.width)];
    const here = strength.values[p]!;
    return here > at(strength, x - dx, y - dy) && here >= at(strength, x + dx, y + dy) ? 1 : 0;
  });
}

/** The pixels of edges that are long enough and, somewhere, strong enough. */
function connected({ width, height, values }: Plane, thin: Uint8Array): number[] {
  const left = Uint8Array.from(thin, (one, p) => (one && values[p]! >= CONTRAST.low ? 1 : 0));
  const kept: number[] = [];
  for (let start = 0; start < left.length; start++) {
    if (!left[start]) continue;
    const edge = [start];
    left[start] = 0;
    for (const p of edge) {
      const [x, y] = [p % width, Math.floor(p / width)];
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++)
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          const next = v * width + u;
          if (!left[next]) continue;
          left[next] = 0;
          edge.push(next); // the loop over `edge` reaches it
        }
    }
    const strong = edge.some((p) => values[p]! >= CONTRAST.high);
    if (strong && edge.length >= SHORTEST * Math.min(width, height)) kept.push(...edge);
  }
  return kept;
}

/** Draws the pixels with round pens of a colour each. Where pens overlap, the one that covers more of a pixel wins. */
function drawn(pixels: readonly number[], { width, height }: Rgba, colour: (p: number) => Rgb): Uint8Array {
  const drawing = new Uint8Array(width * height * 3).fill(255);
  const covered = new Float32Array(width * height);
  const radius = (PEN * Math.min(width, height)) / 2;
  const reach = Math.ceil(radius);
  for (const p of pixels) {
    const [x, y] = [p % width, Math.floor(p / width)];
    const rgb = colour(p);
    for (let v = Math.max(0, y - reach); v <= Math.min(height - 1, y + reach); v++)
      for (let u = Math.max(0, x - reach); u <= Math.min(width - 1, x + reach); u++) {
        const ink = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(u - x, v - y)));
        const q = v * width + u;
        if (ink <= covered[q]!) continue;
        covered[q] = ink;
        for (const [c, value] of rgb.entries()) drawing[3 * q + c] = Math.round(255 + (value - 255) * ink);
      }
  }
  return drawing;
}
