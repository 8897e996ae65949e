// Avatars from captions unseen in training, scored by an independent classifier of attributes (ridge regression on
// pixels and colours of real faces), and compared with shuffled captions and real pictures.
import { join } from 'node:path';
import { trainer } from '../peers/forja.mjs';
import { featuresOf, highest, ridge } from './ridge.mjs';
import { bytesOf, mean, sheet, trained } from './shared.mjs';

/** Number of squares per edge of a face; the judge works on their colours. */
const GRID = 16;

const ATTRIBUTES = ['hair', 'length', 'glasses', 'hat', 'beard', 'mouth', 'clothes'];
/**
 * The number of pictures that train the judge, of those that it judges, and of captions among which it searches the
 * right one.
 */
const [LEARNT, JUDGED, AMONG] = [4000, 480, 100];

export default async function text2image({ runs, from, seed, steps = 1500 }) {
  const { loadData } = await trainer();
  const config = { system: 'text2image', data: 'faces', seed, steps, sampleEvery: 0, checkpointEvery: 100 };
  const run = await trained(config, join(runs, 'text2image'), from);
  const { holdout, ...training } = await loadData({ data: 'faces' }, from);
  const known = await facesOf(training, LEARNT);
  const scores = ridge(
    known.pictures.map((picture) => featuresOf(picture, GRID)),
    known.rows,
    ATTRIBUTES.map((name) => training.fields[name].classes.length),
  );
  const judge = (picture) => scores(featuresOf(picture, GRID));
  const held = await facesOf(holdout, Math.min(JUDGED, holdout.count));
  const { load } = await import('@forja/node');
  const generator = await load(join(run.out, 'generator.onnx'), { device: 'cpu' });
  const drawn = async (captions) => [...(await generator.sample({ text: captions, seed: 7 }))];
  const made = await drawn(held.captions);
  // rotates the captions by 37, so that each stays equally frequent
  const turned = (list) => list.map((_, i) => list[(i + 37) % list.length]);
  const real = held.pictures.map(judge);
  const shown = made.map(judge);
  const rows = [
    row('real', real, held.rows),
    row('made of unseen captions', shown, held.rows),
    row('the same against other captions', shown, turned(held.rows)),
  ];
  const bound = await binding(drawn, judge, training.fields);
  const some = held.captions.map((_, i) => i).filter((i) => i % 61 === 3);
  const pictures = await Promise.all(some.map((i) => drawn(new Array(6).fill(held.captions[i]))));
  await generator.dispose();
  const ratio = ATTRIBUTES.map((name) => rows[1][name] / rows[0][name]);
  return {
    steps,
    seconds: run.seconds,
    faces: { training: training.count, heldOut: holdout.count },
    worstOfReal: Math.min(...ratio),
    colours: bound,
    captions: some.map((i) => held.captions[i]),
    rows,
    notes: [
      `${steps} steps of 64 faces of 32 pixels; ${training.count} to train with, ${holdout.count} held out, whose ` +
        `combinations of attributes are not in training. Each number is a share of ${held.rows.length} pictures.`,
      `"First": the right caption ranks above ${AMONG - 1} other held-out ones (by chance 1/${AMONG}).`,
      `Colours of "X hair, Y clothes", all ${bound.asked / 8} pairs of different colours: both right ` +
        `${share(bound.both)}, both exchanged ${share(bound.exchanged)}.`,
    ],
    picture: await sheet(pictures.map((list, k) => [held.pictures[some[k]], ...list])),
    legend:
      'A real face of each held-out caption, and six generated from the caption: ' +
      `${some.map((i) => `"${held.captions[i]}"`).join('; ')}.`,
  };
}

const share = (x) => `${Math.round(100 * x)} %`;

/** Pictures, classes by attribute and captions of a dataset's first faces. */
async function facesOf(dataset, count) {
  const { readFields } = await trainer();
  const indices = Array.from({ length: count }, (_, i) => i);
  const read = await readFields(dataset, indices, ['image', 'text', ...ATTRIBUTES]);
  const [height, width, channels] = dataset.fields.image.shape;
  const [size, { vocabulary, shape }] = [height * width * channels, dataset.fields.text];
  return {
    pictures: indices.map((i) => ({
      width,
      height,
      channels,
      data: bytesOf(read.image.subarray(i * size, (i + 1) * size)),
    })),
    rows: indices.map((i) => ATTRIBUTES.map((name) => read[name][i])),
    captions: indices.map((i) =>
      [...read.text.subarray(i * shape[0], (i + 1) * shape[0])].flatMap((id) => vocabulary[id] || []).join(' '),
    ),
  };
}

/**
 * Share of pictures that show each requested attribute, that show all of them, and for which the right caption is
 * found.
 */
function row(name, verdicts, asked) {
  const right = (i, k) => highest(verdicts[i][k]) === asked[i][k];
  const fits = (verdict, classes) => verdict.reduce((sum, scores, k) => sum + scores[classes[k]], 0);
  const found = verdicts.map((verdict, i) => {
    const own = fits(verdict, asked[i]);
    const others = asked.filter((classes) => classes.some((c, k) => c !== asked[i][k])).slice(0, AMONG - 1);
    return others.every((classes) => fits(verdict, classes) < own) ? 1 : 0;
  });
  return {
    '': name,
    ...Object.fromEntries(ATTRIBUTES.map((of, k) => [of, mean(asked.map((_, i) => (right(i, k) ? 1 : 0)))])),
    all: mean(asked.map((_, i) => (ATTRIBUTES.every((_, k) => right(i, k)) ? 1 : 0))),
    first: mean(found),
  };
}

/** Whether colours are bound to the right part: captions with two colours that hair and clothes can both have. */
async function binding(drawn, judge, fields) {
  const colours = ['blue', 'green', 'red'];
  const pairs = colours.flatMap((hair) => colours.filter((c) => c !== hair).map((clothes) => ({ hair, clothes })));
  const asked = pairs.flatMap((pair) => new Array(8).fill(pair));
  const pictures = await drawn(asked.map(({ hair, clothes }) => `long ${hair} hair smiling ${clothes} clothes`));
  const seen = pictures.map((picture) => {
    const verdict = judge(picture);
    const of = (name) => fields[name].classes[highest(verdict[ATTRIBUTES.indexOf(name)])];
    return { hair: of('hair'), clothes: of('clothes') };
  });
  const part = (right) => mean(seen.map((one, i) => (right(one, asked[i]) ? 1 : 0)));
  return {
    asked: asked.length,
    both: part((one, { hair, clothes }) => one.hair === hair && one.clothes === clothes),
    exchanged: part((one, { hair, clothes }) => one.hair === clothes && one.clothes === hair),
  };
}
