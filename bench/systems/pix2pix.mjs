// pix2pix, and the same network with L1 only: from painted maps to satellite pictures, from line drawings to colours.
import { join } from 'node:path';
import { trainer } from '../peers/forja.mjs';
import { heldOut, mean, patchFrechet, sheet, trained, translated } from './shared.mjs';

/** Painted maps (earth-map). */
export const maps = (options) =>
  compared({ data: 'earth-map', folder: 'pix2pix', input: 'the painted map', what: 'tiles' }, options);

/** Line drawings (openmoji), 32 pixels to train in half an hour. */
export const lineArt = (options) =>
  compared(
    {
      data: { kind: 'set', name: 'line-art', size: 32 },
      folder: 'line-art',
      input: 'the black lines',
      what: 'drawings',
    },
    options,
  );

/** The network of generators/sketch.onnx. */
const small = { base: 20, baseD: 16, batch: 4 };

/** Black lines computed from emoji (Noto). */
export const sketches = (options) =>
  compared(
    { data: 'emoji-sketch', folder: 'sketch', input: 'the black lines', what: 'drawings', options: small },
    options,
  );

/** Coloured lines computed from emoji. */
export const pens = (options) =>
  compared({ data: 'emoji-pens', folder: 'pens', input: 'the lines', what: 'drawings', options: small }, options);

async function compared({ data, folder, input: given, what, options }, { runs, from, seed, steps = 1000 }) {
  const { highFrequency, patternShare, psnr, ssim } = await trainer();
  const config = { system: 'pix2pix', data, ...options, seed, steps, sampleEvery: 0, checkpointEvery: 100 };
  const game = await trained(config, join(runs, folder), from);
  const alone = await trained({ ...config, adversarial: 0 }, join(runs, `${folder}-l1`), from);
  const {
    pictures: { input, target },
    training,
  } = await heldOut(data, ['input', 'target'], from);
  const made = {
    'L1 alone': await translated(join(alone.out, 'generator.onnx'), input),
    pix2pix: await translated(join(game.out, 'generator.onnx'), input),
  };
  const detail = mean(target.map(highFrequency));
  const rows = [];
  for (const [name, pictures] of Object.entries({ [given]: input, ...made, 'the truth': target }))
    rows.push({
      '': name,
      ...(pictures === target
        ? {}
        : {
            'PSNR, dB': mean(pictures.map((picture, i) => psnr(picture, target[i])).filter(Number.isFinite)),
            SSIM: mean(pictures.map((picture, i) => ssim(picture, target[i]))),
            'Fréchet distance of patches': await patchFrechet(pictures, target),
          }),
      "detail, relative to the truth's": mean(pictures.map(highFrequency)) / detail,
      'pattern of period 2': patternShare(pictures, 2),
      'pattern of period 4': patternShare(pictures, 4),
    });
  const shown = [3, 14, 22, 33, 47, 60, 70].filter((i) => i < target.length);
  return {
    steps,
    seconds: { pix2pix: game.seconds, l1: alone.seconds },
    [what]: { training, heldOut: target.length },
    rows,
    notes: [
      `${steps} steps of ${config.batch ?? 8} ${what} of ${target[0].width} pixels; ${training} to train with, ` +
        `${target.length} held out.`,
    ],
    picture: await sheet(
      shown.map((i) => [input[i], ...Object.values(made).map((p) => p[i]), target[i]]),
      96 / target[0].width,
    ),
    legend: `Held-out ${what}. From the left: ${given}, ${Object.keys(made).join(', ')}, the truth.`,
  };
}
