// CycleGAN, trained without pairs and evaluated on held-out pairs, compared with unchanged pictures, matched colours,
// and the mean picture of the target domain; pix2pix, trained on the true pairs, is the upper bound.
import { join } from 'node:path';
import { trainer } from '../peers/forja.mjs';
import { featuresOf, highest, ridge } from './ridge.mjs';
import { examplesOf, heldOut, mean, patchFrechet, sheet, trained, translated } from './shared.mjs';

export const dayToNight = (options) =>
  cyclegan({ ...options, name: 'cyclegan', data: 'earth-day-night', kinds: { a: 'day', b: 'night' } });
export const emojiStyles = (options) =>
  cyclegan({ ...options, name: 'cyclegan-emoji', data: 'emoji-styles', kinds: { a: 'Noto', b: 'Fluent' } });

/** The option `pairSteps` is for pix2pix; the others are the system's. */
async function cyclegan({ name, data, kinds, runs, from, seed, more: { pairSteps, ...more }, steps = 3000 }) {
  const common = { data, seed, sampleEvery: 0, checkpointEvery: 100 };
  const given = Object.keys(more).length > 0 ? `-${JSON.stringify(more).replace(/\W+/g, '-')}` : '';
  const game = await trained({ ...common, system: 'cyclegan', steps, ...more }, join(runs, `${name}${given}`), from);
  const pairing = { ...common, system: 'pix2pix', steps: pairSteps ?? steps };
  const pairs = await trained(pairing, join(runs, `${name}-pairs`), from);
  const { pictures, training } = await heldOut(data, ['a', 'b'], from);
  const seen = { a: await examplesOf(data, 'a', from), b: await examplesOf(data, 'b', from) };
  const there = await translated(join(game.out, 'a-to-b.onnx'), pictures.a);
  const back = await translated(join(game.out, 'b-to-a.onnx'), pictures.b);
  const cycle = {
    a: await translated(join(game.out, 'b-to-a.onnx'), there),
    b: await translated(join(game.out, 'a-to-b.onnx'), back),
  };
  const made = {
    ab: {
      ...baselines(pictures.a, seen.a, seen.b),
      CycleGAN: there,
      'pix2pix on the pairs': await translated(join(pairs.out, 'generator.onnx'), pictures.a),
    },
    ba: { ...baselines(pictures.b, seen.b, seen.a), CycleGAN: back },
  };
  const takenForB = domains(seen);
  const rows = [
    ...(await judged(made.ab, pictures.b, takenForB)).map((row) => ({ direction: `${kinds.a} to ${kinds.b}`, ...row })),
    ...(await judged(made.ba, pictures.a, (picture) => 1 - takenForB(picture))).map((row) => ({
      direction: `${kinds.b} to ${kinds.a}`,
      ...row,
    })),
  ];
  const { psnr } = await trainer();
  for (const row of rows.filter((row) => row[''] === 'CycleGAN')) {
    const side = row.direction.startsWith(kinds.a) ? 'a' : 'b';
    row['cycle PSNR, dB'] = mean(cycle[side].map((picture, i) => psnr(picture, pictures[side][i])));
  }
  const count = pictures.b.length;
  // spread over the list: neighbours in it are alike
  const shown = Array.from({ length: 12 }, (_, i) => Math.floor(((i + 0.5) * count) / 12));
  return {
    steps,
    options: more,
    seconds: { cyclegan: game.seconds, pix2pix: pairs.seconds },
    pictures: { training, heldOut: count },
    rows,
    notes: [
      `${steps} steps of CycleGAN (batches of 4 + 4 pictures of 32 × 32 pixels; a picture and its counterpart are ` +
        `never both in the training set) and ${pairing.steps} of pix2pix (8 pairs). ${count} pairs held out.`,
      'The mean picture and the colours are from the training pictures. The classifier of the domains is ridge ' +
        'regression on pixels and colours, trained on both domains.',
    ],
    picture: await sheet(
      shown.map((i) => [...Object.values(made.ab).map((p) => p[i]), pictures.b[i], made.ba.CycleGAN[i]]),
      2,
    ),
    legend:
      `Held-out pictures, evenly spread. From the left: ${Object.keys(made.ab).join(', ')}, the truth, and what ` +
      `CycleGAN makes of it in the other direction.`,
  };
}

/** What CycleGAN has to be better than. */
function baselines(pictures, seen, wanted) {
  const average = meanOf(wanted);
  return {
    'left alone': pictures,
    'colours matched': matched(pictures, { a: seen, b: wanted }),
    'the mean picture': pictures.map(() => average),
  };
}

/** A row for each list of pictures, compared with the hidden partners, and one for these. */
async function judged(made, truth, takenFor) {
  const { highFrequency, psnr, ssim } = await trainer();
  const detail = mean(truth.map(highFrequency));
  const rows = [];
  for (const [of, pictures] of Object.entries({ ...made, 'the truth': truth }))
    rows.push({
      '': of,
      ...(pictures === truth
        ? {}
        : {
            'PSNR, dB': mean(pictures.map((picture, i) => psnr(picture, truth[i]))),
            SSIM: mean(pictures.map((picture, i) => ssim(picture, truth[i]))),
            'Fréchet distance of patches': await patchFrechet(pictures, truth),
          }),
      'classified as the target': mean(pictures.map(takenFor)),
      "detail, relative to the truth's": mean(pictures.map(highFrequency)) / detail,
    });
  return rows;
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
