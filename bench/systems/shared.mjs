// Helpers of the benches of systems: resumable runs, pictures of the holdout as bytes, and picture sheets.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { trainer } from '../peers/forja.mjs';

/** FORJA_BENCH_THREADS=1 leaves the other cores to other work. */
const THREADS = process.env.FORJA_BENCH_THREADS ? { threads: Number(process.env.FORJA_BENCH_THREADS) } : {};

/** Trains into `folder`, or resumes there. Returns the folder and the seconds of training. */
export async function trained(config, folder, cwd) {
  const { train, resume } = await trainer();
  const out = resolve(folder);
  let reported = 0;
  const onEvent = (event) => {
    if (event.type === 'step' && Date.now() - reported > 15_000) {
      reported = Date.now();
      const left = Math.round(event.left / 60);
      console.error(`${config.system}: ${event.step}/${event.steps}, ${left} min left`);
    }
  };
  const has = existsSync(join(out, 'config.json'));
  const finished = has && existsSync(join(out, 'generator.onnx'));
  if (!finished || doneIn(out) < config.steps) {
    if (has) await resume(out, { cwd, onEvent, steps: config.steps, stepsPerRun: 'auto' });
    else await train({ ...config, ...THREADS, out }, { cwd, onEvent, stepsPerRun: 'auto' });
  }
  const lines = readFileSync(join(out, 'log.jsonl'), 'utf8').trim().split('\n');
  return { out, seconds: JSON.parse(lines.at(-1)).seconds };
}

const doneIn = (out) => JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')).steps;

/** Fields of the holdout, as lists of pictures of bytes. */
export async function heldOut(data, fields, cwd) {
  const { loadData } = await trainer();
  const { holdout, count } = await loadData({ data }, cwd);
  const read = await Promise.all(fields.map((field) => picturesOf(holdout, field, holdout.count)));
  return { pictures: Object.fromEntries(fields.map((field, i) => [field, read[i]])), training: count };
}

async function picturesOf(dataset, field, count) {
  const { readFields } = await trainer();
  const [height, width, channels] = dataset.fields[field].shape;
  const indices = Array.from({ length: count }, (_, i) => i);
  const values = (await readFields(dataset, indices, [field]))[field];
  const size = height * width * channels;
  return indices.map((i) => ({ width, height, channels, data: bytesOf(values.subarray(i * size, (i + 1) * size)) }));
}

/** A named field of the training examples as pictures, at most `count`. */
export async function examplesOf(data, field, cwd, count = Infinity) {
  const { loadData } = await trainer();
  const dataset = await loadData({ data }, cwd);
  const all = dataset.parts?.[dataset.fields[field].part] ?? dataset.count;
  return picturesOf(dataset, field, Math.min(all, count));
}

/** Values in [−1, 1] as bytes. */
export const bytesOf = (values) => Uint8ClampedArray.from(values, (v) => Math.round((v + 1) * 127.5));

/** Pictures translated by a file, as bytes. */
export async function translated(file, pictures) {
  const { load } = await import('@forja/node');
  const generator = await load(file, { device: 'cpu' });
  const batch = await generator.translate(pictures);
  const made = [...batch].map(({ width, height, channels, data }) => ({ width, height, channels, data }));
  await generator.dispose();
  return made;
}

/**
 * Fréchet distance between 8 × 8 patches, four pixels apart, of generated and real pictures, values in [-1, 1], with as
 * many patches on both sides.
 */
export async function patchFrechet(made, truth) {
  const { frechetDistance } = await trainer();
  return frechetDistance(patchesOf(made), patchesOf(truth));
}

const [PATCH, APART] = [8, 4];

function patchesOf(pictures) {
  const rows = pictures.flatMap(({ width, height, channels, data }) => {
    const found = [];
    for (let y = 0; y + PATCH <= height; y += APART)
      for (let x = 0; x + PATCH <= width; x += APART)
        for (let i = 0; i < PATCH; i++) {
          const from = ((y + i) * width + x) * channels;
          found.push(...data.subarray(from, from + PATCH * channels));
        }
    return found;
  });
  const columns = PATCH ** 2 * pictures[0].channels;
  return { rows: rows.length / columns, columns, data: Float64Array.from(rows, (v) => v / 127.5 - 1) };
}

export const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

/** Pictures in rows, each enlarged by whole pixels, as PNG. Pictures of a row are of one size. */
export async function sheet(rows, zoom = 2) {
  const { ImageBatch } = await import('@forja/core');
  const [first] = rows[0];
  const cells = rows.flat().map((picture) => zoomed(rgb(picture), Math.round((zoom * first.width) / picture.width)));
  const { width, height } = cells[0];
  const data = new Uint8ClampedArray(cells.length * width * height * 3);
  cells.forEach((cell, i) => data.set(cell.data, i * width * height * 3));
  return new ImageBatch(cells.length, width, height, 3, data).grid(rows[0].length, { padding: 2 }).toPNG();
}

const rgb = ({ width, height, channels, data }) => ({
  width,
  height,
  data:
    channels === 3 ? data : Uint8ClampedArray.from({ length: width * height * 3 }, (_, i) => data[Math.floor(i / 3)]),
});

const zoomed = ({ width, height, data }, by) => ({
  width: width * by,
  height: height * by,
  data: Uint8ClampedArray.from({ length: width * height * by * by * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % (width * by), Math.floor(i / 3 / (width * by))];
    return data[(Math.floor(y / by) * width + Math.floor(x / by)) * 3 + (i % 3)];
  }),
});
