// Reports of benches: summaries of blocks, the machine, the JSON file under bench/results/ and the table on the
// terminal.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform, totalmem } from 'node:os';

/** The quantile `q` of the values, with linear interpolation. */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * (at - low);
}

const spread = (values) => ({
  median: quantile(values, 0.5),
  min: quantile(values, 0),
  p25: quantile(values, 0.25),
  max: quantile(values, 1),
});

/**
 * Wall time over all runs; CPU time (all threads) over blocks; both in ms per run. `peakMiB`: the process's largest
 * resident set so far.
 */
export function summarise(blocks) {
  const wall = blocks.flatMap((b) => b.wall_ms);
  return {
    runs: wall.length,
    blocks: blocks.length,
    wallMs: spread(wall),
    cpuMs: spread(blocks.map((b) => b.cpu_ms)),
    peakMiB: Math.max(...blocks.map((b) => b.peak_mib)),
  };
}

/**
 * Speed-up of `ours`, computed in each round and then summarised over rounds, so that a slow minute of the machine
 * affects both sides.
 */
export function ratio(ours, theirs) {
  const each = (f) => spread(ours.map((block, i) => f(theirs[i]) / f(block)));
  return { wall: each((b) => quantile(b.wall_ms, 0.5)), cpu: each((b) => b.cpu_ms) };
}

/** Whether bench/avx2/run.mjs hides AVX-512 from this process. */
const hidden = process.env.FORJA_BENCH_AVX512 === 'hidden';

/** The widest vector instructions, which decide how fast products are; Linux only. */
function vectors() {
  try {
    const flags =
      readFileSync('/proc/cpuinfo', 'utf8')
        .match(/^flags.*$/m)?.[0]
        .split(/\s+/) ?? [];
    const widest = ['avx512f', 'avx2', 'asimd'].find((flag) => flags.includes(flag)) ?? 'unknown';
    return hidden && widest === 'avx512f' ? 'avx2 (avx512f hidden)' : widest;
  } catch {
    return 'unknown';
  }
}

export function machine() {
  const [first] = cpus();
  const commit = () =>
    execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  let at = 'unknown';
  try {
    at = commit();
  } catch {
    // a tarball has no git
  }
  return {
    cpu: first?.model ?? 'unknown',
    vectors: vectors(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${platform()} ${arch()}`,
    node: process.versions.node,
    commit: at,
    load: loadavg().map((l) => Number(l.toFixed(2))),
    date: new Date().toISOString().slice(0, 10),
  };
}

/** Writes bench/results/<name>.json, or <name>-avx2-hidden.json, and returns its path. */
export function save(bench, results) {
  const name = hidden ? `${bench}-avx2-hidden` : bench;
  const rounded = JSON.stringify(results, (_, v) => (typeof v === 'number' ? Number(v.toPrecision(5)) : v), 2);
  mkdirSync(new URL('../results/', import.meta.url), { recursive: true });
  writeFileSync(new URL(`../results/${name}.json`, import.meta.url), `${rounded}\n`);
  return `bench/results/${name}.json`;
}

/** Prints a line per peer. */
export function table(title, summaries, ratios) {
  const ms = (v) => v.toFixed(v < 10 ? 2 : 1).padStart(8);
  console.log(
    `\n${title}\n${'peer'.padEnd(24)} wall ms: median      min      max   CPU ms: median   peak MiB   ours is ` +
      'faster by (wall, CPU)',
  );
  for (const [name, s] of Object.entries(summaries)) {
    const r = ratios[name];
    const by = r
      ? `${r.wall.median.toFixed(2)}× (${r.wall.min.toFixed(2)}-${r.wall.max.toFixed(2)}), ${r.cpu.median.toFixed(2)}×`
      : '';
    console.log(
      `${name.padEnd(24)}         ${ms(s.wallMs.median)} ${ms(s.wallMs.min)} ${ms(s.wallMs.max)}         ` +
        `${ms(s.cpuMs.median)}   ${s.peakMiB.toFixed(0).padStart(8)}   ${by}`,
    );
  }
}
