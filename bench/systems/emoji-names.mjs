// Emoji from names and tags of emoji that were held out with all their variants. The judge is ridge regression from
// real training pictures to the group and to frequent words of the caption.
import { join } from 'node:path';
import { trainer } from '../peers/forja.mjs';
import { featuresOf, highest, ridge } from './ridge.mjs';
import { bytesOf, mean, sheet, trained } from './shared.mjs';

/** Squares per edge, words that are judged, and captions among which the right one is searched. */
const [GRID, WORDS, AMONG] = [8, 24, 100];

export default async function emojiNames({ runs, from, seed, steps = 1500, more }) {
  const config = { system: 'text2image', data: 'emoji-names', ...more, seed, steps };
  const { out, seconds } = await trained(
    { ...config, sampleEvery: 0, checkpointEvery: 100 },
    join(runs, 'text2image-emoji'),
    from,
  );
  const { loadData } = await trainer();
  const [named, grouped] = [
    await loadData({ data: 'emoji-names' }, from),
    await loadData({ data: 'emoji-groups' }, from),
  ];
  const words = named.fields.text.vocabulary.slice(1, WORDS + 1);
  const known = await emojiOf(named, grouped, words);
  const held = await emojiOf(named.holdout, grouped.holdout, words);
  const sizes = [grouped.fields.label.classes.length, ...words.map(() => 2)];
  const scores = ridge(
    known.pictures.map((picture) => featuresOf(picture, GRID)),
    known.answers,
    sizes,
  );
  const judge = (picture) => scores(featuresOf(picture, GRID));
  const { load } = await import('@forja/node');
  const generator = await load(join(out, 'generator.onnx'), { device: 'cpu' });
  const told = held.captions.map((_, i) => i).filter((i) => held.captions[i] !== '');
  const drawn = [...(await generator.sample({ text: told.map((i) => held.captions[i]), seed: 7 }))];
  await generator.dispose();
  const asked = told.map((i) => held.answers[i]);
  const turned = asked.map((_, i) => asked[(i + 37) % asked.length]);
  const [real, made] = [told.map((i) => judge(held.pictures[i])), drawn.map(judge)];
  const some = told.map((_, i) => i).filter((i) => i % 41 === 3);
  return {
    steps,
    seconds,
    emoji: { training: named.count, heldOut: held.captions.length },
    words,
    rows: [
      row('real', real, asked),
      row('made of unseen captions', made, asked),
      row('the same against other captions', made, turned),
    ],
    notes: [
      `${steps} steps of 64 emoji of 32 pixels; ${named.count} to train with, ${told.length} captions of held-out ` +
        'emoji. ' +
        `"First": the right caption ranks above ${AMONG - 1} other held-out ones, by group and by ` +
        `the ${WORDS} most frequent words. "Group": the judge sees the emoji's group, one of ${sizes[0]}.`,
    ],
    picture: await sheet([some.map((i) => held.pictures[told[i]]), some.map((i) => drawn[i])]),
    legend:
      'Held-out emoji, and what was made of their captions: ' +
      `${some.map((i) => `"${held.captions[told[i]]}"`).join('; ')}.`,
  };
}

/** Pictures, captions, and for each its group and which words it has. The two sets have the same emoji in order. */
async function emojiOf(named, grouped, words) {
  const { readFields } = await trainer();
  const indices = Array.from({ length: named.count }, (_, i) => i);
  const { image, text } = await readFields(named, indices, ['image', 'text']);
  const { label } = await readFields(grouped, indices, ['label']);
  const [height, width, channels] = named.fields.image.shape;
  const [size, { vocabulary, shape }] = [height * width * channels, named.fields.text];
  const tokens = indices.map((i) =>
    [...text.subarray(i * shape[0], (i + 1) * shape[0])].flatMap((id) => vocabulary[id] || []),
  );
  return {
    pictures: indices.map((i) => ({
      width,
      height,
      channels,
      data: bytesOf(image.subarray(i * size, (i + 1) * size)),
    })),
    captions: tokens.map((list) => list.join(' ')),
    answers: tokens.map((list, i) => [label[i], ...words.map((word) => (list.includes(word) ? 1 : 0))]),
  };
}

function row(name, verdicts, asked) {
  const fits = (verdict, classes) => verdict.reduce((sum, scores, k) => sum + scores[classes[k]], 0);
  const first = verdicts.map((verdict, i) => {
    const others = asked.filter((classes) => String(classes) !== String(asked[i])).slice(0, AMONG - 1);
    return others.every((classes) => fits(verdict, classes) < fits(verdict, asked[i])) ? 1 : 0;
  });
  return {
    '': name,
    group: mean(verdicts.map((verdict, i) => (highest(verdict[0]) === asked[i][0] ? 1 : 0))),
    first: mean(first),
  };
}
