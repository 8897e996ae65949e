// Pictures as a WebM video: encoded by the browser's WebCodecs, muxed by mediabunny. Imported when a video is saved.
import type { ImageBatch } from '@forja/core';
import { toCanvas } from '@forja/web';
import {
  BufferTarget,
  CanvasSource,
  getFirstEncodableVideoCodec,
  Output,
  QUALITY_HIGH,
  WebMOutputFormat,
} from 'mediabunny';

/** The video file, `delayMs` per picture. Throws if the browser can encode neither VP9, VP8 nor AV1. */
export async function toWebM(batch: ImageBatch, delayMs: number): Promise<Blob> {
  const { width, height } = batch;
  const codec = await getFirstEncodableVideoCodec(['vp9', 'vp8', 'av1'], { width, height });
  if (codec === null) throw new Error(`This browser encodes no WebM of ${width} × ${height}; save a GIF instead.`);
  const target = new BufferTarget();
  const output = new Output({ format: new WebMOutputFormat(), target });
  const canvas = new OffscreenCanvas(width, height);
  const source = new CanvasSource(canvas, { codec, bitrate: QUALITY_HIGH });
  output.addVideoTrack(source, { frameRate: 1000 / delayMs });
  await output.start();
  let at = 0;
  for (const picture of batch) {
    toCanvas(picture, canvas);
    await source.add(at, delayMs / 1000);
    at += delayMs / 1000;
  }
  await output.finalize();
  if (!target.buffer) throw new Error('mediabunny: expected a file, got none');
  return new Blob([target.buffer], { type: 'video/webm' });
}
