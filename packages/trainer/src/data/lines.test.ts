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
const inkOf = (drawing: Uint8Array, width = SIDE): [x: number, y: number][] =>
  [...drawing].flatMap((grey, p): [number, number][] => (grey < 128 ? [[p % width, Math.floor(p / width)]] : []));
const radiusOf = ([x, y]: readonly [number, number]): number => Math.hypot(x - 31.5, y - 31.5);

describe('lineDrawing', () => {
  it.each([
    ['red', RED],
    ['white', [255, 255, 255, 255] as const], // as white as the paper
  ])('draws the outline of a disc in %s, closed, about two pixels wide, and nothing else', (_, colour) => {
    const drawing = lineDrawing(picture((x, y) => (radiusOf([x, y]) < 20 ? colour : CLEAR)));
    const ink = inkOf(drawing);
    for (const point of ink) expect(Math.abs(radiusOf(point) - 20)).toBeLessThan(3);
    const angles = new Set(ink.map(([x, y]) => Math.floor((Math.atan2(y - 31.5, x - 31.5) / Math.PI + 1) * 30)));
    expect(angles.size).toBeGreaterThanOrEqual(60); // every 6 degrees
    const width = drawing.reduce((sum, grey) => sum + 1 - grey / 255, 0) / (2 * Math.PI * 20);
    expect(width).toBeGreaterThan(1.6);
    expect(width).toBeLessThan(2.6);
  });

  it('draws where two colours meet, and the border of a picture that fills the paper', () => {
    const ink = inkOf(lineDrawing(picture((x) => (x < 24 ? RED : [40, 60, 200, 255]))));
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
      expect(inkOf(lineDrawing(one)).filter(([x, y]) => Math.min(x, y, 63 - x, 63 - y) > 4)).toEqual([]);
  });

  it('draws nothing of nothing', () => {
    expect(inkOf(lineDrawing(picture(() => CLEAR)))).toEqual([]);
  });
});

describe('a field of lines', () => {
  const target: Target = {
    ...{ width: 32, height: 32, channels: 3, fit: 'pad', alpha: 'over', background: '#ffffff', lines: true },
  };
  it('has the size and channels of the target, grey lines on white, shrunk from 64 pixels', () => {
    const disc = picture((x, y) => (radiusOf([x, y]) < 20 ? RED : CLEAR));
    const made = fitPicture({ ...disc, channels: 4 }, target);
    const large = lineDrawing(disc);
    for (let p = 0; p < 32 * 32; p++) {
      const at = 2 * Math.floor(p / 32) * SIDE + 2 * (p % 32);
      const mean = Math.round((large[at]! + large[at + 1]! + large[at + SIDE]! + large[at + SIDE + 1]!) / 4);
      expect([...made.subarray(3 * p, 3 * p + 3)]).toEqual([mean, mean, mean]);
    }
  });

  it('is wider than high, and in RGBA', () => {
    const wide = picture(() => RED, 64, 32);
    const made = fitPicture({ ...wide, channels: 4 }, { ...target, width: 96, height: 48, channels: 4 });
    expect(made).toHaveLength(96 * 48 * 4);
    const alone = Uint8Array.from({ length: 96 * 48 }, (_, p) => made[4 * p] ?? 0);
    for (const [x, y] of inkOf(alone, 96)) expect(Math.min(x, y, 95 - x, 47 - y)).toBeLessThan(4);
    expect(made.filter((_, i) => i % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
  });
});
