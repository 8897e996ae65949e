// Day to night without pairs, judged by the hidden pairs: against leaving pictures alone, matching their colours, and
// always the mean night, with pix2pix on the true pairs as the ceiling.
import { join } from 'node:path';
import { trainer } from '../peers/forja.mjs';
import { heldOut, mean, sheet, trained, translated } from './shared.mjs';

export default async function cyclegan({ runs, from, seed, steps = 1000 }) {
  const { highFrequency, psnr, ssim } = await trainer();
  const common = { data: 'earth-day-night', seed, steps, sampleEvery: 0, checkpointEvery: 100 };
  const game = await trained({ ...common, system: 'cyclegan' }, join(runs, 'cyclegan'), from);
  const pairs = await trained({ ...common, system: 'pix2pix' }, join(runs, 'cyclegan-pairs'), from);
  const {
    pictures: { a: day, b: night },
    training,
  } = await heldOut('earth-day-night', ['a', 'b'], from);
  const there = await translated(join(game.out, 'a-to-b.onnx'), day);
  const back = await translated(join(game.out, 'b-to-a.onnx'), there);
  const average = meanOf(night);
  const made = {
    'left alone': day,
    'colours matched': matched(day, night),
    'mean night': day.map(() => average),
    CycleGAN: there,
    'pix2pix on the pairs': await translated(join(pairs.out, 'generator.onnx'), day),
  };
  const detail = mean(night.map(highFrequency));
  const rows = Object.entries(made).map(([name, pictures]) => ({
    '': name,
    'PSNR, dB': mean(pictures.map((picture, i) => psnr(picture, night[i]))),
    SSIM: mean(pictures.map((picture, i) => ssim(picture, night[i]))),
    'detail, 1: as the truth': mean(pictures.map(highFrequency)) / detail,
    ...(name === 'CycleGAN' ? { 'there and back, dB': mean(back.map((picture, i) => psnr(picture, day[i]))) } : {}),
  }));
  const shown = [3, 14, 22, 33, 47, 60, 70].filter((i) => i < night.length);
  return {
    steps,
    seconds: { cyclegan: game.seconds, pix2pix: pairs.seconds },
    tiles: { training, heldOut: night.length },
    rows,
    notes: [
      `${steps} steps of CycleGAN (4 + 4 tiles of 32 pixels, from other bands of longitude) and of pix2pix (8 pairs).`,
      'The mean night and the colours are those of the held-out nights themselves, which flatters these baselines.',
    ],
    picture: await sheet(
      shown.map((i) => [...Object.values(made).map((p) => p[i]), night[i]]),
      3,
    ),
    legend: `Held-out tiles. From the left: ${Object.keys(made).join(', ')}, the truth.`,
  };
}

function meanOf(pictures) {
  const [first] = pictures;
  const data = first.data.map((_, i) => Math.round(mean(pictures.map(({ data }) => data[i]))));
  return { ...first, data };
}

/** Each channel's values by rank: the histogram of all pictures becomes that of the others. */
function matched(pictures, others) {
  const { channels } = pictures[0];
  const tables = Array.from({ length: channels }, (_, c) => {
    const sorted = (list) =>
      list.flatMap(({ data }) => [...data.filter((_, i) => i % channels === c)]).sort((a, b) => a - b);
    const [from, to] = [sorted(pictures), sorted(others)];
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
