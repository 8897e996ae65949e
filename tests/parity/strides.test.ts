// Tiles of networks that divide sizes by other numbers than 2, 4 and 8: as the whole picture. A mean over blocks shows
// it best, whose values are computed here.
import { expect, test } from 'vitest';
import { load } from '@forja/node';
import { exportOnnx } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';

/** Bytes without a pattern. */
function picture(width: number, height: number): { width: number; height: number; data: Uint8Array } {
  let state = 7;
  const data = Uint8Array.from({ length: width * height * 3 }, () => (state = (state * 16807) % 2147483647) & 255);
  return { width, height, data };
}

/** Every value replaced by the mean over its block of `side` × `side`. */
function means({ width, height, data }: ReturnType<typeof picture>, side: number): Float64Array {
  const out = new Float64Array(data.length);
  const from = (place: number): number => place - (place % side);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let dy = 0; dy < side; dy++)
          for (let dx = 0; dx < side; dx++) sum += data[((from(y) + dy) * width + from(x) + dx) * 3 + c]!;
        out[(y * width + x) * 3 + c] = sum / side ** 2;
      }
  return out;
}

const pooled = (side: number): tf.LayersModel =>
  tf.sequential({
    layers: [
      tf.layers.averagePooling2d({ inputShape: [null, null, 3], poolSize: side, strides: side, padding: 'same' }),
      tf.layers.upSampling2d({ size: [side, side] }),
    ],
  });

/** Keeps the size of every picture, so that no output shows the stride. */
function cropped(side: number): (x: tf.Tensor) => tf.Tensor {
  const model = pooled(side);
  return (x) => tf.slice(model.apply(x) as tf.Tensor, [0, 0, 0, 0], x.shape);
}

test.each([
  ['a stride of 3', pooled(3), 3, { tile: 48, overlap: 12 }, [96, 96]],
  ['a stride of 5', pooled(5), 5, { tile: 40, overlap: 20 }, [160, 80]],
  ['a stride of 16', pooled(16), 16, { tile: 144, overlap: 72 }, [432, 144]],
  ['a stride of 3 behind a crop', cropped(3), 3, { tile: 20, overlap: 8 }, [51, 60]],
] as const)('%s', async (_, network, side, tiles, [width, height]) => {
  const { model } = await exportOnnx(network, {
    inputs: [{ name: 'x', role: 'image', range: [0, 1], shape: ['batch', 'height', 'width', 3] }],
    outputs: [{ name: 'y', role: 'image', range: [0, 1] }],
    bounds: { height: [8, 512], width: [8, 512] },
    verify: false,
  });
  await using generator = await load(model, { executor: 'inline', threads: 1 });
  expect(generator.manifest.strides).toEqual({ height: side, width: side });
  const given = picture(width, height);
  const made = (await generator.translate(given, tiles)).at(0);
  expect(made).toMatchObject({ width, height });
  expect(made.data).toBeAllclose(means(given, side), { atol: 0.5001 }); // rounded to bytes
});
