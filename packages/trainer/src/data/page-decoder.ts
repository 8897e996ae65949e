// Decoding in a page: createImageBitmap turns pictures upright and converts them to sRGB, a canvas gives their pixels.
import { ForjaError, oriented, webpOrientation } from '@forja/core';
import type { Decode } from './picture.js';

/** The APIs of a page or its worker that decoding needs. */
export type PageDecoding = Pick<typeof globalThis, 'createImageBitmap' | 'OffscreenCanvas'>;

/** Decodes the browser's formats. Throws ForjaError `data.decoder` without a canvas, as in Node. */
export function pageDecoder(page: PageDecoding = globalThis): Decode {
  if (typeof page.createImageBitmap !== 'function' || typeof page.OffscreenCanvas !== 'function')
    throw new ForjaError(
      'data.decoder',
      'pageDecoder: expected createImageBitmap and OffscreenCanvas, got none; in Node, use loadData of ' +
        '@forja/trainer/node',
    );
  return async (bytes) => {
    // Chromium ignores the orientation of WebP files, and other browsers may apply it, so it is applied here
    const turn = webpOrientation(bytes);
    const bitmap = await page.createImageBitmap(new Blob([new Uint8Array(bytes)]), {
      imageOrientation: turn === 1 ? 'from-image' : 'none',
      premultiplyAlpha: 'none',
    });
    const { width, height } = bitmap;
    const canvas = new page.OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (!canvas) throw new Error('no 2d context');
    canvas.drawImage(bitmap, 0, 0);
    bitmap.close();
    return oriented({ width, height, channels: 4, data: canvas.getImageData(0, 0, width, height).data }, turn);
  };
}
