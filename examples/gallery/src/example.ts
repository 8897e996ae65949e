// A random drawing of a few outlines, determined by a seed, so that the page starts with a picture that a link can
// show.
import { philoxUniform } from '@forja/core';

/** Outlines in the drawing, and random numbers for each. */
const OUTLINES = 3;
const NUMBERS = 6;

/** Draws the outlines of `seed`, the same in every browser. */
export function drawExample(context: CanvasRenderingContext2D, seed: number, ink: string, width: number): void {
  const { width: wide, height: high } = context.canvas;
  context.strokeStyle = ink;
  context.lineWidth = width;
  for (let i = 0; i < OUTLINES; i++) {
    const [x = 0, y = 0, w = 0, h = 0, turn = 0, kind = 0] = philoxUniform({ seed, stream: 0, step: i }, NUMBERS);
    const [cx, cy] = [(0.3 + 0.4 * x) * wide, (0.3 + 0.4 * y) * high];
    const [rx, ry] = [(0.1 + 0.2 * w) * wide, (0.1 + 0.2 * h) * high];
    context.beginPath();
    if (kind < 0.5) context.ellipse(cx, cy, rx, ry, turn * Math.PI, 0, 2 * Math.PI);
    else context.rect(cx - rx, cy - ry, 2 * rx, 2 * ry);
    context.stroke();
  }
}
