// CycleGAN, trained without pairs and evaluated on held-out pairs, compared with unchanged pictures, matched colours,
// and the mean picture of the target domain; pix2pix, trained on the true pairs, is the upper bound.
import { join } from 'node:path';
import { trainer } from '../peers/forja.mjs';
import { featuresOf, highest, ridge } from './ridge.mjs';
import { examplesOf, heldOut, mean, patchFrechet, sheet, trained, translated } from './shared.mjs';

export const dayToNight = (options) => cyclegan({ ...options, name: 'cyclegan', data: 'earth-day-night' });
export const emojiStyles = (options) => cyclegan({ ...options, name: 'cyclegan-emoji', data: 'emoji-styles' });

async function cyclegan({ name, data, runs, from, seed, more, steps = 500 }) {
  const { highFrequency, psnr, ssim } = await trainer();
  const common = { data, seed, steps, sampleEvery: 0, checkpointEvery: 100 };
  const given = Object.keys(more).length > 0 ? `-${JSON.stringify(more).replace(/\W+/g, '-')}` : '';
  const game = await trained({ ...common, system: 'cyclegan', ...more }, join(runs, `${name}${given}`), from);
  const pairs = await trained({ ...common, system: 'pix2pix' }, join(runs, `${name}-pairs`), from);
  const {
    pictures: { a, b },
    training,
  } = await heldOut(data, ['a', 'b'], from);
  const there = await translated(join(game.out, 'a-to-b.onnx'), a);
  const back = await translated(join(game.out, 'b-to-a.onnx'), there);
  const seen = { a: await examplesOf(data, 'a', from), b: await examplesOf(data, 'b', from) };
  const average = meanOf(seen.b);
  const made = {
    'left alone': a,
    'colours matched': matched(a, seen),
    'the mean picture': a.map(() => average),
    CycleGAN: there,
    'pix2pix on the pairs': await translated(join(pairs.out, 'generator.onnx'), a),
  };
  const takenFor = domains(seen);
  const detail = mean(b.map(highFrequency));
  const rows = [];
  for (const [of, pictures] of Object.entries({ ...made, 'the truth': b }))
    rows.push({
      '': of,
      ...(pictures === b
        ? {}
        : {
            'PSNR, dB': mean(pictures.map((picture, i) => psnr(picture, b[i]))),
            SSIM: mean(pictures.map((picture, i) => ssim(picture, b[i]))),
            'Fréchet distance of patches': await patchFrechet(pictures, b),
          }),
      'classified as the target': mean(pictures.map(takenFor)),
      "detail, relative to the truth's": mean(pictures.map(highFrequency)) / detail,
      ...(pictures === there ? { 'cycle PSNR, dB': mean(back.map((picture, i) => psnr(picture, a[i]))) } : {}),
    });
  const shown = [3, 14, 22, 33, 47, 60, 70].filter((i) => i < b.length);
  return {
    steps,
    options: more,
    seconds: { cyclegan: game.seconds, pix2pix: pairs.seconds },
    pictures: { training, heldOut: b.length },
    rows,
    notes: [
      `${steps} steps of CycleGAN (batches of 4 + 4 pictures of 32 × 32 pixels; a picture and its counterpart are ` +
        `never both in the training set) and of pix2pix (8 pairs). ${b.length} pairs held out.`,
      'The mean picture and the colours are from the training pictures. The classifier of the domains is ridge ' +
        'regression on pixels and colours, trained on both domains.',
    ],
    picture: await sheet(
      shown.map((i) => [...Object.values(made).map((p) => p[i]), b[i]]),
      3,
    ),
    legend: `Held-out pictures. From the left: ${Object.keys(made).join(', ')}, the truth.`,
  };
}

/** A classifier of domains: 1 for a picture judged to be of domain b, else 0. */
function domains({ a, b }) {
  const grid = a[0].width / 2;
  const features = [...a, ...b].map((picture) => featuresOf(picture, grid));
  const judge = ridge(
    features,
    features.map((_, i) => [i < a.length ? 0 : 1]),
    [2],
  );
  return (picture) => highest(judge(featuresOf(picture, grid))[0]);
}

function meanOf(pictures) {
  const [first] = pictures;
  const data = first.data.map((_, i) => Math.round(mean(pictures.map(({ data }) => data[i]))));
  return { ...first, data };
}

/** Histogram matching per channel: applies the map from the histogram of all of `a` to that of `b`. */
function matched(pictures, { a, b }) {
  const { channels } = pictures[0];
  const tables = Array.from({ length: channels }, (_, c) => {
    const sorted = (list) =>
      Uint8Array.from(list.flatMap(({ data }) => [...data.filter((_, i) => i % channels === c)])).sort();
    const [from, to] = [sorted(a), sorted(b)];
    const table = new Uint8ClampedArray(256);
    let below = 0;
    for (let value = 0; value < 256; value++) {
      const start = below;
      while (below < from.length && from[below] === value) below++;
      const rank = (start + below) / 2 / from.length;
      table[value] = to[Math.min(to.length - 1, Math.floor(rank * to.length))];
    }
    return table;
  });
  return pictures.map((picture) => ({ ...picture, data: picture.data.map((v, i) => tables[i % channels][v]) }));
}
