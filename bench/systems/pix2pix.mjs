// pix2pix from painted maps to satellite pictures: the U-Net with a discriminator, and the same network with L1 only.
import { join } from 'node:path';
import { trainer } from '../peers/forja.mjs';
import { heldOut, mean, patchFrechet, sheet, trained, translated } from './shared.mjs';

export default async function pix2pix({ runs, from, seed, steps = 1000 }) {
  const { highFrequency, patternShare, psnr, ssim } = await trainer();
  const config = { system: 'pix2pix', data: 'earth-map', seed, steps, sampleEvery: 0, checkpointEvery: 100 };
  const game = await trained(config, join(runs, 'pix2pix'), from);
  const alone = await trained({ ...config, adversarial: 0 }, join(runs, 'pix2pix-l1'), from);
  const {
    pictures: { input, target },
    training,
  } = await heldOut('earth-map', ['input', 'target'], from);
  const made = {
    'L1 alone': await translated(join(alone.out, 'generator.onnx'), input),
    pix2pix: await translated(join(game.out, 'generator.onnx'), input),
  };
  const detail = mean(target.map(highFrequency));
  const rows = [];
  for (const [name, pictures] of Object.entries({ 'the painted map': input, ...made, 'the truth': target }))
    rows.push({
      '': name,
      ...(pictures === target
        ? {}
        : {
            'PSNR, dB': mean(pictures.map((picture, i) => psnr(picture, target[i]))),
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
    tiles: { training, heldOut: target.length },
    rows,
    notes: [`${steps} steps of 8 tiles of 32 pixels; ${training} training tiles, ${target.length} held out.`],
    picture: await sheet(
      shown.map((i) => [input[i], ...Object.values(made).map((p) => p[i]), target[i]]),
      3,
    ),
    legend: `Held-out tiles. From the left: the painted map, ${Object.keys(made).join(', ')}, the truth.`,
  };
}
