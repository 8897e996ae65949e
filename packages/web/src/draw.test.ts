// Drawing without a page: what is no picture or canvas is refused as such, not by a property of undefined.
import { Image } from '@forja/core';
import { expect, it } from 'vitest';
import { toBlob, toCanvas, toImageBitmap } from './draw.js';

const image = new Image(1, 1, 1, new Uint8ClampedArray(1));

it.each([null, undefined, 5, 'picture', {}, { width: 1, height: 1 }])('%j is no picture', async (given) => {
  const wrong = given as unknown as Image;
  expect(() => toCanvas(wrong, {} as HTMLCanvasElement)).toRefuse('usage', /^toCanvas: /);
  await expect(toImageBitmap(wrong)).rejects.toRefuse('usage', /^toImageBitmap: /);
  await expect(toBlob(wrong)).rejects.toRefuse('usage', /^toBlob: /);
});

it('says where there is no page', async () => {
  await expect(toBlob(image)).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('toPNG()') });
});
