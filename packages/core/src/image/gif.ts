// Animated GIF, encoded with gifenc. Imported on first use only.
// Other packages compile this source without the rest of the folder.
// eslint-disable-next-line @typescript-eslint/triple-slash-reference
/// <reference path="./gifenc.d.ts" />
import type { Color, Gifenc } from 'gifenc';
import { timing, type AnimationOptions, type EncoderTools } from './animation.js';
import type { Frames } from './pixels.js';

/**
 * The bytes of a GIF file. One palette for all frames, so that colours do not flicker: exact when there are at most 256
 * colours (always for grey), else chosen by pairwise nearest-neighbour clustering of the colours, rounded to 5, 6 and 5
 * bits.
 */
export async function encodeGIF(batch: Frames, tools: EncoderTools, options?: AnimationOptions): Promise<Uint8Array> {
  const { delayMs, plays } = timing('toGIF', tools, batch.count, options);
  const { width, height } = batch;
  // Loaded as CommonJS, all exports are under `default`; bundled as a module, they are named.
  const module = await import('gifenc');
  const gifenc = module.GIFEncoder ? (module as unknown as Gifenc) : module.default;
  const { palette, index } = batch.channels === 1 ? grey(batch.data) : coloured(opaque(batch, tools), gifenc);
  const gif = gifenc.GIFEncoder();
  for (let i = 0; i < batch.count; i++) {
    // gifenc counts repetitions after the first play; −1 means none.
    gif.writeFrame(index.subarray(i * width * height, (i + 1) * width * height), width, height, {
      delay: delayMs,
      repeat: plays === 0 ? 0 : plays === 1 ? -1 : plays - 1,
      ...(i === 0 ? { palette } : {}),
    });
  }
  gif.finish();
  return gif.bytes();
}

interface Indexed {
  palette: Color[];
  index: Uint8Array;
}

function grey(data: Uint8ClampedArray): Indexed {
  return {
    palette: Array.from({ length: 256 }, (_, v) => [v, v, v]),
    index: new Uint8Array(data.buffer, data.byteOffset, data.length),
  };
}

function coloured(rgba: Uint8ClampedArray, gifenc: Gifenc): Indexed {
  const exact = fewColours(rgba);
  if (exact) return exact;
  const palette = gifenc.quantize(rgba, 256, { format: 'rgb565' });
  return { palette, index: gifenc.applyPalette(rgba, palette, 'rgb565') };
}

/** Palette and indices when there are at most 256 colours. */
function fewColours(rgba: Uint8ClampedArray): Indexed | undefined {
  const known = new Map<number, number>();
  const index = new Uint8Array(rgba.length / 4);
  for (let i = 0; i < index.length; i++) {
    // four bytes per pixel
    const colour = ((rgba[i * 4] as number) << 16) | ((rgba[i * 4 + 1] as number) << 8) | (rgba[i * 4 + 2] as number);
    let at = known.get(colour);
    if (at === undefined) {
      if (known.size === 256) return undefined;
      known.set(colour, (at = known.size));
    }
    index[i] = at;
  }
  return { palette: [...known.keys()].map((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]), index };
}

/** RGBA, blended with white. */
function opaque({ data, channels }: Frames, { rgbaOf }: EncoderTools): Uint8ClampedArray {
  const rgba = rgbaOf(data, channels);
  if (channels === 4)
    for (let i = 0; i < rgba.length; i++)
      // both indices are in range
      if (i % 4 < 3) rgba[i] = 255 + (((rgba[i] as number) - 255) * (rgba[i - (i % 4) + 3] as number)) / 255;
  return rgba;
}
