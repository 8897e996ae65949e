// Super-resolution × 2 and × 4 of satellite pictures, × 4 of emoji: bicubic, the network with a pixel loss, and with
// the discriminator.
import { join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { trainer } from '../peers/forja.mjs';
import { bytesOf, heldOut, mean, patchFrechet, sheet, trained, translated } from './shared.mjs';

export const earth = (options) => srgan({ ...options, name: 'srgan', data: 'earth' });
export const twice = (options) =>
  srgan({ pixelSteps: 1300, ...options, name: 'srgan-twice', data: 'earth', scale: 2, batch: 16 });
export const emoji = (options) => srgan({ ...options, name: 'srgan-emoji', data: 'emoji' });

/** Weight of the discriminator in the second stage. */
const WEIGHT = 0.1;

async function srgan({ name, data, scale = 4, batch = 8, runs, from, seed, steps = 250, pixelSteps = 1000 }) {
  const { bicubic, highFrequency, patternShare, psnr, ssim } = await trainer();
  const config = { system: 'srgan', data, scale, batch, seed };
  const quiet = { sampleEvery: 0, checkpointEvery: 100 };
  const pixels = join(runs, `${name}-pixels`);
  const game = join(runs, name);
  const first = await trained({ ...config, ...quiet, adversarial: 0, steps: pixelSteps }, pixels, from);
  const second = await trained(
    { ...config, ...quiet, adversarialFrom: 0, adversarial: WEIGHT, start: resolve(pixels), steps },
    game,
    from,
  );

  const {
    pictures: { image: truth },
    training,
  } = await heldOut(data, ['image'], from);
  const small = truth.map((picture) => shrunk(picture, scale));
  const layer = bicubic({ scale });
  const enlarged = small.map(({ width, height, channels, data }) =>
    tf.tidy(() => {
      const x = tf.tensor4d(
        Float32Array.from(data, (v) => v / 127.5 - 1),
        [1, height, width, channels],
      );
      return {
        width: width * scale,
        height: height * scale,
        channels,
        data: bytesOf(layer.apply(x).clipByValue(-1, 1).dataSync()),
      };
    }),
  );
  const made = {
    bicubic: enlarged,
    'by pixels': await translated(join(pixels, 'generator.onnx'), small),
    'with the discriminator': await translated(join(game, 'generator.onnx'), small),
  };
  const detail = mean(truth.map(highFrequency));
  const row = async (name, pictures) => ({
    '': name,
    'PSNR, dB': mean(pictures.map((picture, i) => psnr(picture, truth[i]))),
    SSIM: mean(pictures.map((picture, i) => ssim(picture, truth[i]))),
    'Fréchet distance of patches': await patchFrechet(pictures, truth),
    'made small again, dB': mean(pictures.map((picture, i) => psnr(shrunk(picture, scale), small[i]))),
    "detail, relative to the truth's": mean(pictures.map(highFrequency)) / detail,
    'pattern of period 2': patternShare(pictures, 2),
    'pattern of period 4': patternShare(pictures, 4),
  });
  const rows = [];
  for (const [name, pictures] of Object.entries(made)) rows.push(await row(name, pictures));
  rows.push({
    '': 'the truth',
    "detail, relative to the truth's": 1,
    'pattern of period 2': patternShare(truth, 2),
    'pattern of period 4': patternShare(truth, 4),
  });
  const shown = [3, 14, 22, 33, 47, 60, 70].filter((i) => i < truth.length);
  return {
    steps,
    pixelSteps,
    seconds: { pixels: first.seconds, game: second.seconds },
    pictures: { training, heldOut: truth.length },
    rows,
    notes: [
      `${pixelSteps} steps with the pixel loss (${minutes(first)} min), then ${steps} with the discriminator, ` +
        `weight ${WEIGHT} (${minutes(second)} min); batch ${batch}, 8 blocks × 32; ${training} training pictures ` +
        `of 64 pixels, ${truth.length} held out.`,
      `Small pictures are the mean of blocks of ${scale} × ${scale}, as bytes. ` +
        'PSNR and SSIM are means over pictures, of all channels.',
    ],
    picture: await sheet(
      shown.map((i) =>
        [small[i], ...Object.values(made).map((p) => p[i]), truth[i]].map((p, k) => (k === 0 ? nearest(p, scale) : p)),
      ),
    ),
    legend: `Held-out pictures. From the left: the network's input, ${Object.keys(made).join(', ')}, the truth.`,
  };
}

const minutes = ({ seconds }) => Math.round(seconds / 60);

/** The mean of each block, as bytes. */
function shrunk({ width, height, channels, data }, scale) {
  const [w, h] = [width / scale, height / scale];
  const out = new Uint8ClampedArray(w * h * channels);
  for (let i = 0; i < out.length; i++) {
    const [c, x, y] = [i % channels, Math.floor(i / channels) % w, Math.floor(i / channels / w)];
    let sum = 0;
    for (let dy = 0; dy < scale; dy++)
      for (let dx = 0; dx < scale; dx++) sum += data[((y * scale + dy) * width + x * scale + dx) * channels + c];
    out[i] = Math.round(sum / scale ** 2);
  }
  return { width: w, height: h, channels, data: out };
}

/** Enlarged by the nearest pixel. */
function nearest({ width, height, channels, data }, scale) {
  const [w, h] = [width * scale, height * scale];
  return {
    width: w,
    height: h,
    channels,
    data: Uint8ClampedArray.from({ length: w * h * channels }, (_, i) => {
      const [c, x, y] = [i % channels, Math.floor(i / channels) % w, Math.floor(i / channels / w)];
      return data[(Math.floor(y / scale) * width + Math.floor(x / scale)) * channels + c];
    }),
  };
}
