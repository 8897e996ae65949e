// Line drawings of pictures with lines at known places: discs, squares, flat colours that meet, gradients.
import { describe, expect, it } from 'vitest';
import { fitPicture, type Target } from './fit.js';
import { lineDrawing } from './lines.js';

type Colour = readonly [number, number, number, number];
const CLEAR: Colour = [0, 0, 0, 0];
const RED: Colour = [220, 40, 40, 255];
const SIDE = 64;

function picture(colour: (x: number, y: number) => Colour, width = SIDE, height = SIDE) {
  const data = new Uint8Array(width * height * 4);
  for (let p = 0; p < width * height; p++) data.set(colour(p % width, Math.floor(p / width)), 4 * p);
  return { width, height, data };
}
/** The places of ink: where green is below a middle grey. */
const inkOf = (drawing: Uint8Array, width = SIDE): [x: number, y: number][] =>
  Array.from({ length: drawing.length / 3 }, (_, p) => p).flatMap((p): [number, number][] =>
    drawing[3 * p + 1]! < 128 ? [[p % width, Math.floor(p / width)]] : [],
  );
const radiusOf = ([x, y]: readonly [number, number]): number => Math.hypot(x - 31.5, y - 31.5);

describe('lineDrawing', () => {
  it.each([
    ['red', RED],
    ['white', [255, 255, 255, 255] as const], // as white as the paper
  ])('draws the outline of a disc in %s, closed, about two pixels wide, and nothing else', (_, colour) => {
    const drawing = lineDrawing(
      picture((x, y) => (radiusOf([x, y]) < 20 ? colour : CLEAR)),
      'black',
    );
    const ink = inkOf(drawing);
    for (const point of ink) expect(Math.abs(radiusOf(point) - 20)).toBeLessThan(3);
    const angles = new Set(ink.map(([x, y]) => Math.floor((Math.atan2(y - 31.5, x - 31.5) / Math.PI + 1) * 30)));
    expect(angles.size).toBeGreaterThanOrEqual(60); // every 6 degrees
    const width = drawing.reduce((sum, grey) => sum + 1 - grey / 255, 0) / (3 * 2 * Math.PI * 20);
    expect(width).toBeGreaterThan(1.6);
    expect(width).toBeLessThan(2.6);
  });

  it('draws where two colours meet, and the border of a picture that fills the paper', () => {
    const ink = inkOf(
      lineDrawing(
        picture((x) => (x < 24 ? RED : [40, 60, 200, 255])),
        'black',
      ),
    );
    const inside = ink.filter(([x, y]) => Math.min(x, y, 63 - x, 63 - y) > 4);
    expect(Math.min(...inside.map(([x]) => x))).toBeGreaterThanOrEqual(22);
    expect(Math.max(...inside.map(([x]) => x))).toBeLessThanOrEqual(25);
    expect(new Set(inside.map(([, y]) => y)).size).toBe(64 - 10);
    for (const side of [0, 63]) expect(ink.filter(([x]) => x === side)).toHaveLength(64);
  });

  it('leaves out shading, faint steps and specks', () => {
    const shaded = picture((x, y) => [120 + 2 * x, 200 - y, x < 32 ? 100 : 112, 255]);
    const specks = { ...shaded, data: shaded.data.slice() };
    for (const p of [20 * SIDE + 20, 40 * SIDE + 45]) specks.data.set([0, 0, 0, 255], 4 * p);
    for (const one of [shaded, specks])
      expect(inkOf(lineDrawing(one, 'black')).filter(([x, y]) => Math.min(x, y, 63 - x, 63 - y) > 4)).toEqual([]);
  });

  it('draws in the colour of the darker side: of what lies on something lighter, or on the paper', () => {
    const face: Colour = [255, 200, 40, 255];
    const drawing = lineDrawing(
      picture((x, y) => {
        const radius = radiusOf([x, y]);
        return radius < 8 ? RED : radius < 24 ? face : CLEAR;
      }),
      'coloured',
    );
    const onLines = (radius: number, rgb: readonly number[]): void => {
      const least = [255, 255, 255];
      for (let angle = 0; angle < 64; angle++) {
        const [x, y] = [Math.cos, Math.sin].map((f) => Math.round(31.5 + radius * f((angle * Math.PI) / 32)));
        const found = Array.from(drawing.subarray(3 * (y! * SIDE + x!), 3 * (y! * SIDE + x!) + 3));
        // the middle of a line, or a pixel beside it with some paper
        expect(found[2]).toBeLessThan(200);
        for (const c of rgb.keys()) least[c] = Math.min(least[c]!, found[c]!);
      }
      for (const [c, value] of rgb.entries()) expect(Math.abs(least[c]! - value)).toBeLessThan(2);
    };
    onLines(8, [220, 40, 40]);
    onLines(
      24,
      [255, 200, 40].map((value) => (value * 190) / (0.299 * 255 + 0.587 * 200 + 0.114 * 40)),
    );
  });

  it('draws white things in light grey', () => {
    const drawing = lineDrawing(
      picture((x, y) => (radiusOf([x, y]) < 20 ? [255, 255, 255, 255] : CLEAR)),
      'coloured',
    );
    expect(Math.min(...drawing)).toBe(190);
    expect(drawing.every((value, i) => value === drawing[i - (i % 3)])).toBe(true);
  });

  it('draws nothing of nothing', () => {
    expect(
      inkOf(
        lineDrawing(
          picture(() => CLEAR),
          'black',
        ),
      ),
    ).toEqual([]);
  });
});

describe('a field of lines', () => {
  const target: Target = {
    ...{ width: 32, height: 32, channels: 3, fit: 'pad', alpha: 'over', background: '#ffffff', lines: 'black' },
  };
  it('has the size and channels of the target, grey lines on white, shrunk from 64 pixels', () => {
    const disc = picture((x, y) => (radiusOf([x, y]) < 20 ? RED : CLEAR));
    const made = fitPicture({ ...disc, channels: 4 }, target);
    const large = lineDrawing(disc, 'black');
    for (let p = 0; p < 32 * 32; p++) {
      const at = 2 * Math.floor(p / 32) * SIDE + 2 * (p % 32);
      const sum = [at, at + 1, at + SIDE, at + SIDE + 1].reduce((total, q) => total + large[3 * q]!, 0);
      const mean = Math.round(sum / 4);
      expect([...made.subarray(3 * p, 3 * p + 3)]).toEqual([mean, mean, mean]);
    }
  });

  it('is wider than high, and in RGBA', () => {
    const wide = picture(() => RED, 64, 32);
    const made = fitPicture({ ...wide, channels: 4 }, { ...target, width: 96, height: 48, channels: 4 });
    expect(made).toHaveLength(96 * 48 * 4);
    const opaque = made.filter((_, i) => i % 4 < 3);
    for (const [x, y] of inkOf(opaque, 96)) expect(Math.min(x, y, 95 - x, 47 - y)).toBeLessThan(4);
    expect(made.filter((_, i) => i % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
  });
});
