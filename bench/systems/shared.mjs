// What the benches of systems share: a run that is gone on with, pictures of the holdout as bytes, and sheets to look
// at.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { trainer } from '../peers/forja.mjs';

/** Trains into `folder`, or goes on there. Returns the folder and the steps' seconds. */
export async function trained(config, folder, cwd) {
  const { train, resume } = await trainer();
  const out = resolve(folder);
  let told = 0;
  const onEvent = (event) => {
    if (event.type === 'step' && Date.now() - told > 15_000) {
      told = Date.now();
      const left = Math.round(event.left / 60);
      console.error(`${config.system}: ${event.step}/${event.steps}, ${left} min left`);
    }
  };
  const has = existsSync(join(out, 'config.json'));
  const finished = has && existsSync(join(out, 'generator.onnx'));
  if (!finished || doneIn(out) < config.steps) {
    if (has) await resume(out, { cwd, onEvent, steps: config.steps, stepsPerRun: 'auto' });
    else await train({ ...config, out }, { cwd, onEvent, stepsPerRun: 'auto' });
  }
  const lines = readFileSync(join(out, 'log.jsonl'), 'utf8').trim().split('\n');
  return { out, seconds: JSON.parse(lines.at(-1)).seconds };
}

const doneIn = (out) => JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')).steps;

/** Fields of the examples held out, as lists of pictures of bytes. */
export async function heldOut(data, fields, cwd) {
  const { loadData, readFields } = await trainer();
  const { holdout, count } = await loadData({ data }, cwd);
  const indices = Array.from({ length: holdout.count }, (_, i) => i);
  const read = await Promise.all(
    fields.map(async (field) => {
      const [height, width, channels] = holdout.fields[field].shape;
      const values = (await readFields(holdout, indices, [field]))[field];
      const size = height * width * channels;
      return indices.map((i) => ({
        width,
        height,
        channels,
        data: bytesOf(values.subarray(i * size, (i + 1) * size)),
      }));
    }),
  );
  return { pictures: Object.fromEntries(fields.map((field, i) => [field, read[i]])), training: count };
}

/** Values in [−1, 1] as bytes. */
export const bytesOf = (values) => Uint8ClampedArray.from(values, (v) => Math.round((v + 1) * 127.5));

/** What a file makes of pictures, as bytes. */
export async function translated(file, pictures) {
  const { load } = await import('@forja/node');
  const generator = await load(file, { device: 'cpu' });
  const batch = await generator.translate(pictures);
  const made = [...batch].map(({ width, height, channels, data }) => ({ width, height, channels, data }));
  await generator.dispose();
  return made;
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
