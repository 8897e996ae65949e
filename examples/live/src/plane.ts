// The plane of a 2-D GAN on a canvas: the discriminator's probability as colour, data and generated points as dots.
// Visitors can draw points on it.
import { latents } from '@forja/core';
import { REACH } from './protocol.js';

/** Points added around each pointer position, and their spread. */
const SPRAY = 6;
const SPREAD = 0.03;

/** The discriminator's probabilities, row by row from the bottom. */
export interface Field {
  edge: number;
  values: Float32Array;
}

/** Draws the field, the data and the generated points, if they are given. */
export function drawPlane(
  canvas: HTMLCanvasElement,
  { data, made, field }: { data?: Float32Array; made?: Float32Array; field?: Field | undefined },
): void {
  const edge = (canvas.width = canvas.height = 384);
  const pen = canvas.getContext('2d');
  if (!pen) return;
  pen.fillStyle = '#f4efe7';
  pen.fillRect(0, 0, edge, edge);
  if (field) pen.drawImage(coloured(field), 0, 0, edge, edge);
  dots(pen, edge, data, 'rgb(40 36 32 / 0.35)');
  dots(pen, edge, made, 'rgb(176 32 0 / 0.9)');
}

/** The field as a small picture: blue above ½, orange below; the surer D is, the more opaque. */
function coloured({ edge, values }: Field): OffscreenCanvas {
  const pixels = new ImageData(edge, edge);
  values.forEach((p, i) => {
    const at = 4 * ((edge - 1 - Math.floor(i / edge)) * edge + (i % edge));
    pixels.data.set([...(p > 0.5 ? [63, 127, 191] : [217, 98, 43]), Math.abs(p - 0.5) * 400], at);
  });
  const small = new OffscreenCanvas(edge, edge);
  small.getContext('2d')?.putImageData(pixels, 0, 0);
  return small;
}

function dots(pen: CanvasRenderingContext2D, edge: number, points: Float32Array | undefined, colour: string): void {
  if (!points) return;
  pen.fillStyle = colour;
  for (let i = 0; i + 1 < Math.min(points.length, 4000); i += 2) {
    const [x, y] = [points[i] ?? 0, points[i + 1] ?? 0];
    pen.fillRect(((x / REACH + 1) / 2) * edge - 1, ((1 - y / REACH) / 2) * edge - 1, 2.5, 2.5);
  }
}

/** Points that a visitor draws with a pointer, [n · 2]; `changed` is called for new points. */
export function pencil(canvas: HTMLCanvasElement, changed: () => void): { points: number[]; on: boolean } {
  const drawing: { points: number[]; on: boolean } = { points: [], on: false };
  let down = false;
  const put = (event: PointerEvent): void => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const x = (((event.clientX - left) / width) * 2 - 1) * REACH;
    const y = (1 - ((event.clientY - top) / height) * 2) * REACH;
    const spray = latents(1, drawing.points.length / 2, SPRAY, 2);
    for (let i = 0; i < SPRAY; i++)
      drawing.points.push(x + SPREAD * (spray[2 * i] ?? 0), y + SPREAD * (spray[2 * i + 1] ?? 0));
    changed();
  };
  canvas.addEventListener('pointerdown', (event) => {
    if (!drawing.on) return;
    down = true;
    canvas.setPointerCapture(event.pointerId);
    put(event);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (down && drawing.on) put(event);
  });
  for (const end of ['pointerup', 'pointercancel'] as const) canvas.addEventListener(end, () => (down = false));
  return drawing;
}
