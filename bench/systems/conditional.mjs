// Clothes by class: a projection and AC-GAN, beside one real picture of each class repeated, which agreement alone
// would prefer. Agreement is that of a classifier trained elsewhere.
import { join } from 'node:path';
import { runtime } from '@forja/node';
import { trainer } from '../peers/forja.mjs';
import { evaluated, over, sampled, seedsFrom } from './evaluated.mjs';
import { bytesOf, sheet, trained } from './shared.mjs';

const METRICS = 'agreement,frechet,pr';
const KINDS = { projection: 'projection', 'AC-GAN': 'auxiliary' };
/** Sizes of the committed generator of clothes. */
const SIZES = { base: 24, hidden: 256, batch: 48 };

export default async function conditional({ runs, from, seed, steps = 3000, more }) {
  const { seeds = 3, count = 5000, perClass = 1000, ...options } = more;
  const rows = [];
  const pictures = [];
  const classes = {};
  for (const [name, conditioning] of Object.entries(KINDS)) {
    const all = [];
    const each = [];
    for (const one of seedsFrom(seed, seeds)) {
      const config = { system: 'conditional', data: 'fashion', ...SIZES, conditioning, ...options, seed: one, steps };
      const folder = join(runs, `conditional-${conditioning}-${one}`);
      const { out } = await trained({ ...config, sampleEvery: 0, checkpointEvery: 200 }, folder, from);
      all.push((await evaluated(out, { metrics: METRICS, count }, from)).scores);
      each.push((await evaluated(out, { metrics: METRICS, count: perClass, byClass: true }, from)).classes);
      if (one === seed) pictures.push(await sampled(join(out, 'generator.onnx'), { count: 20, seed: 7 }));
    }
    rows.push(row(name, all));
    classes[name] = each;
  }
  const { prototypes, scores, floor } = await bounds(from, count);
  rows.push(row('one real picture of each class', [scores]), row('real clothes, another draw', [floor]));
  for (const [name, each] of Object.entries(classes))
    for (const label of Object.keys(each[0]))
      rows.push(
        row(
          `${name}: ${label}`,
          each.map((found) => found[label]),
        ),
      );
  return {
    steps,
    seeds,
    rows,
    notes: [
      `${steps} steps of ${SIZES.batch} clothes, ${seeds} seeds; ${count} pictures on each side, ` +
        `${perClass} of each class in the rows of classes.`,
    ],
    picture: await sheet([...pictures.flatMap((cells) => [cells.slice(0, 10), cells.slice(10)]), prototypes]),
    legend: `Two rows each of ${Object.keys(KINDS).join(' and ')}, a class in each column; last, the real pictures.`,
  };
}

const row = (name, runs) => ({
  '': name,
  agreement: over(runs, 'agreement'),
  'Fréchet distance': over(runs, 'frechet'),
  precision: over(runs, 'precision'),
  recall: over(runs, 'recall'),
});

/** Scores of one picture per class, the nearest to its class's mean, and of other real pictures. */
async function bounds(from, count) {
  const { chooseExtractor, loadData, measurer, readFields } = await trainer();
  const dataset = await loadData({ data: 'fashion' }, from);
  const { shape, range } = dataset.fields.image;
  const size = shape.reduce((a, b) => a * b, 1);
  // the data may be in the order of its classes
  const evenly = (most) => Array.from({ length: most }, (_, i) => Math.floor((i * dataset.count) / most));
  const among = evenly(Math.min(2000, dataset.count));
  const { image, label } = await readFields(dataset, among, ['image', 'label']);
  const names = dataset.fields.label.classes;
  const at = (i) => image.subarray(i * size, (i + 1) * size);
  const nearest = names.map((_, k) => {
    const own = among.map((_, i) => i).filter((i) => label[i] === k);
    const middle = new Float64Array(size);
    for (const i of own) at(i).forEach((v, p) => (middle[p] += v / own.length));
    const distance = (i) => at(i).reduce((sum, v, p) => sum + (v - middle[p]) ** 2, 0);
    return own.reduce((best, i) => (distance(i) < distance(best) ? i : best));
  });
  const labels = Int32Array.from({ length: count }, (_, i) => i % names.length);
  const values = new Float32Array(count * size);
  labels.forEach((k, i) => values.set(at(nearest[k]), i * size));
  const cpu = runtime({ device: 'cpu' });
  const extractor = await chooseExtractor({ dataset, shape, runtime: cpu });
  const options = {
    metrics: METRICS.split(','),
    dataset,
    field: 'image',
    extractor,
    count,
    seed: 0,
    conditional: true,
  };
  const measures = await measurer(options);
  const scores = await measures.measure({ count, shape, values, range }, labels);
  const real = await readFields(dataset, evenly(count), ['image', 'label']);
  const floor = await measures.measure({ count, shape, values: real.image, range }, real.label);
  await extractor.dispose();
  await cpu.dispose();
  const [height, width, channels] = shape;
  const prototypes = nearest.map((i) => ({ width, height, channels, data: bytesOf(at(i)) }));
  return { prototypes, scores, floor };
}
