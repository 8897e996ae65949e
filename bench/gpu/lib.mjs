// Helpers of the parts of bench:gpu: timing, the generator's file, GPU memory, and random numbers that are the same in
// every process.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { quantile } from '../lib/report.mjs';

/** Runs `step` for `seconds`, at least `least` times, after `warmup` runs. Returns times in milliseconds. */
export async function timed(step, { seconds, least = 5, warmup = 3 }) {
  const begun = performance.now();
  await step();
  const firstMs = performance.now() - begun;
  for (let i = 1; i < warmup; i++) await step();
  const wall = [];
  const cpu = process.cpuUsage();
  const end = performance.now() + seconds * 1000;
  while (wall.length < least || performance.now() < end) {
    const start = performance.now();
    await step();
    wall.push(performance.now() - start);
  }
  const { user, system } = process.cpuUsage(cpu);
  return {
    runs: wall.length,
    ms: quantile(wall, 0.5),
    min: Math.min(...wall),
    p90: quantile(wall, 0.9),
    cpuMs: (user + system) / 1000 / wall.length,
    firstMs,
  };
}

/** Random numbers in [-1, 1) of a seed (mulberry32). */
export function numbers(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

/** `count` latents of `size` numbers with the variance of normal ones. */
export function latents(count, size, seed = 1) {
  const next = numbers(seed);
  return Float32Array.from({ length: count * size }, () => (next() + next() + next()) * 1);
}

/** Largest |a − b|, absolute and relative to the largest |b|. */
export function difference(a, b) {
  let [most, largest] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    const d = Math.abs(a[i] - b[i]);
    most = Math.max(most, Number.isFinite(d) ? d : Infinity);
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return { most, relative: most / largest };
}

/** Columns of nvidia-smi; undefined without it. */
export function smi(...columns) {
  try {
    const [line] = execFileSync('nvidia-smi', [`--query-gpu=${columns.join()}`, '--format=csv,noheader,nounits'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 20_000,
    }).split('\n');
    return Object.fromEntries(line.split(', ').map((value, i) => [columns[i], value.trim()]));
  } catch {
    return undefined;
  }
}

/** MiB of GPU memory used by all processes. */
export const gpuMiB = () => {
  const taken = smi('memory.used');
  return taken === undefined ? undefined : Number(taken['memory.used']);
};

/** Resident MiB of this process. */
export const rssMiB = () => process.memoryUsage.rss() / 2 ** 20;

/** The exported generator, which the part about.mjs wrote. */
export const generatorFile = (o) => readFileSync(`${o.folder}/generator.onnx`);

/** The fields of a device report to print. */
export const reportFields = ({ actual, reasons, placement, cpuOps, precision }) => ({
  actual,
  ...(precision ? { precision } : {}),
  placement,
  cpuOps,
  reasons: reasons.map((line) => line.slice(0, 400)),
});
