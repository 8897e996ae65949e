// An output's preview as one picture: a grid, optionally with fields of the data next to each picture, or points in the
// plane.
import { ImageBatch, toBatch, type Image, type Tensor } from '@forja/core';
import type { Output } from '../systems/system.js';
import type { PreviewFeeds } from './feeds.js';
import { scatter } from './scatter.js';

/** Pictures in NHWC, or points [n, 2]. */
export function pictureOf({ outputs, preview }: Output, made: Tensor, { beside }: PreviewFeeds): Image {
  if (made.shape.length !== 4) return scatter(made.data as Float32Array); // points are float32
  const range = outputs[0]?.range ?? [-1, 1];
  const shown = [...beside.map(({ value }) => value), made];
  const batches = shown.map((value) => toBatch(value, { layout: 'nhwc', range }));
  if (batches.length === 1) return toBatch(made, { layout: 'nhwc', range }).grid(preview?.columns);
  const columns = preview?.columns ?? Math.max(1, Math.round(Math.sqrt((made.shape[0] ?? 1) / batches.length)));
  return sideBySide(batches).grid(columns * batches.length);
}

/**
 * Interleaves batches of equal size: picture i of each, then i + 1. The result is RGBA, because channels may differ.
 */
function sideBySide(batches: readonly ImageBatch[]): ImageBatch {
  const [first] = batches;
  if (first === undefined) throw new Error('sideBySide: expected batches');
  const { count, width, height } = first;
  const size = width * height * 4;
  const data = new Uint8ClampedArray(count * batches.length * size);
  for (let i = 0; i < count; i++)
    batches.forEach((batch, b) => data.set(batch.at(i).toRGBA(), (i * batches.length + b) * size));
  return new ImageBatch(count * batches.length, width, height, 4, data);
}
