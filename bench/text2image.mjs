// Trains text2image on captioned coloured shapes with held-out combinations, and scores pictures from the unseen
// captions by the nearest template: node bench/text2image.mjs [--steps 3000] [--size 16].
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { philoxUniform } from '@forja/core';
import { load, runtime } from '@forja/node';
import { arrayDataset, train } from '@forja/trainer';
import { machine, save } from './lib/report.mjs';

const { values: o } = parseArgs({
  options: {
    steps: { type: 'string', default: '3000' },
    size: { type: 'string', default: '16' },
    count: { type: 'string', default: '6000' },
    batch: { type: 'string', default: '64' },
    seed: { type: 'string', default: '1' },
    options: { type: 'string', default: '{}' }, // options of the system, as JSON
    name: { type: 'string', default: 'systems/text2image-shapes' },
    png: { type: 'string' },
  },
});
const SIZE = Number(o.size);

const COLOURS = {
  red: [220, 40, 40],
  green: [40, 180, 60],
  blue: [50, 80, 230],
  yellow: [235, 215, 40],
  purple: [160, 50, 190],
  white: [245, 245, 245],
};
const inside = {
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) <= 0.85,
  circle: (x, y) => x * x + y * y <= 1,
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) <= 0.3 && Math.max(Math.abs(x), Math.abs(y)) <= 1,
  triangle: (x, y) => y <= 0.8 && 2 * Math.abs(x) - 0.95 <= y,
  ring: (x, y) => x * x + y * y <= 1 && x * x + y * y >= 0.3,
};
const SIZES = { small: 0.2, large: 0.36 }; // radius as a share of the edge
const GROUNDS = { black: [15, 15, 15], grey: [110, 110, 110] };
const WORDS = {
  size: Object.keys(SIZES),
  colour: Object.keys(COLOURS),
  shape: Object.keys(inside),
  ground: Object.keys(GROUNDS),
};
const captionOf = (c) => `${c.size} ${c.colour} ${c.shape} on ${c.ground}`;

/** Draws a picture with 4 × 4 samples per pixel; `u` and `v`, in [0, 1), determine the centre. */
function drawn({ size, colour, shape, ground }, u, v) {
  const r = SIZES[size] * SIZE;
  const [cx, cy] = [u, v].map((t) => r + t * (SIZE - 2 * r));
  const pixels = new Uint8Array(SIZE * SIZE * 3);
  for (let y = 0; y < SIZE; y++)
    for (let x = 0; x < SIZE; x++) {
      let part = 0;
      for (let i = 0; i < 16; i++)
        part += inside[shape]((x + ((i % 4) + 0.5) / 4 - cx) / r, (y + ((i >> 2) + 0.5) / 4 - cy) / r) / 16;
      for (let k = 0; k < 3; k++)
        pixels[(y * SIZE + x) * 3 + k] = Math.round(part * COLOURS[colour][k] + (1 - part) * GROUNDS[ground][k]);
    }
  return pixels;
}

// Six of thirty combinations of colour and shape are held out; each colour and each shape is seen in others.
const combinations = WORDS.size.flatMap((size) =>
  WORDS.colour.flatMap((colour) =>
    WORDS.shape.flatMap((shape) => WORDS.ground.map((ground) => ({ size, colour, shape, ground }))),
  ),
);
const isHeld = ({ colour, shape }) => WORDS.colour.indexOf(colour) % 5 === WORDS.shape.indexOf(shape);
const [seen, unseen] = [combinations.filter((c) => !isHeld(c)), combinations.filter(isHeld)];

const vocabulary = ['', 'on', ...Object.values(WORDS).flat()];
const idsOf = (caption) => [...caption.split(' ').map((word) => vocabulary.indexOf(word)), 0];
function dataset(name, of, count, stream, rest = {}) {
  const uniform = philoxUniform({ seed: 1, stream, step: 0 }, 2 * count);
  const rows = Array.from({ length: count }, (_, i) => of[i % of.length]);
  const image = new Uint8Array(count * SIZE * SIZE * 3);
  rows.forEach((c, i) => image.set(drawn(c, uniform[2 * i], uniform[2 * i + 1]), i * SIZE * SIZE * 3));
  const text = Int32Array.from(rows.flatMap((c) => idsOf(captionOf(c))));
  const fields = { image: { data: image, shape: [SIZE, SIZE, 3] }, text: { data: text, shape: [6], vocabulary } };
  return { pixels: image, rows, data: arrayDataset({ name, fields, ...rest }) };
}
const holdout = dataset('shapes, held out', unseen, 20 * unseen.length, 1);
const { data } = dataset('shapes', seen, Number(o.count), 0, { holdout: holdout.data });

// The judge: finds the nearest (least squares) template of all combinations, at positions in steps of a pixel or less.
const places = Array.from({ length: 8 }, (_, i) => (i + 0.5) / 8);
const templates = combinations.flatMap((c) =>
  places.flatMap((u) => places.map((v) => ({ c, pixels: drawn(c, u, v) }))),
);
function judge(pixels, at) {
  let best = { c: combinations[0], by: Infinity };
  for (const { c, pixels: other } of templates) {
    let by = 0;
    for (let i = 0; i < other.length && by < best.by; i++) by += (pixels[at + i] - other[i]) ** 2;
    if (by < best.by) best = { c, by };
  }
  return best.c;
}
/** Share of pictures that show each requested attribute, and that show all of them. */
function accuracy(pixels, asked) {
  const shown = asked.map((_, i) => judge(pixels, i * SIZE * SIZE * 3));
  const names = Object.keys(WORDS);
  const share = (right) => asked.filter((c, i) => right(c, shown[i])).length / asked.length;
  return {
    ...Object.fromEntries(names.map((name) => [name, share((a, b) => a[name] === b[name])])),
    all: share((a, b) => names.every((name) => a[name] === b[name])),
  };
}

const host = runtime({ device: 'cpu', threads: 1 });
const cpu = process.cpuUsage();
const { model, seconds, exportError } = await train(
  {
    system: 'text2image',
    data: 'folder', // not read: the dataset is passed below
    steps: Number(o.steps),
    batch: Number(o.batch),
    seed: Number(o.seed),
    sampleEvery: 0,
    checkpointEvery: 0,
    ...JSON.parse(o.options),
  },
  {
    dataset: data,
    runtime: host,
    onEvent: (event) => {
      if (event.type === 'step' && event.step % 500 === 0)
        console.log(event.step, event.scalars, event.images_per_s | 0);
    },
  },
);
const spent = process.cpuUsage(cpu);
await host.dispose();

const generator = await load(model, { device: 'cpu', threads: 1 });
const many = (of) => Array.from({ length: 600 }, (_, i) => of[i % of.length]);
const sampled = async (of) => (await generator.sample({ text: of.map(captionOf), seed: 7 })).data;
const [asked, known] = [many(unseen), many(seen)];
const made = await sampled(asked);
const chance = philoxUniform({ seed: 1, stream: 2, step: 0 }, asked.length);
const result = {
  'real, unseen': accuracy(holdout.pixels, holdout.rows),
  'made, unseen': accuracy(made, asked),
  'made, unseen, captions shuffled': accuracy(
    made,
    Array.from(chance, (u) => asked[Math.floor(u * asked.length)]),
  ),
  'made, seen': accuracy(await sampled(known), known),
};
console.table(
  Object.fromEntries(
    Object.entries(result).map(([k, v]) => [
      k,
      Object.fromEntries(Object.entries(v).map(([n, x]) => [n, +x.toFixed(3)])),
    ]),
  ),
);
if (o.png) {
  const rows = unseen.filter(({ size, ground }) => size === 'large' && ground === 'grey');
  const grid = await generator.sample({ text: rows.flatMap((c) => new Array(8).fill(captionOf(c))) });
  writeFileSync(o.png, await grid.grid(8).toPNG());
  console.log(rows.map(captionOf));
}
await generator.dispose();
console.log(
  save(o.name, {
    bench: 'text2image',
    machine: machine(),
    options: { ...o, combinations: combinations.length, unseen: unseen.length },
    seconds,
    cpuSeconds: (spent.user + spent.system) / 1e6,
    exportError,
    bytes: model.length,
    result,
  }),
);
