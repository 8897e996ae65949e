// `npm test`: installs, builds, type-checks, lints and runs every test in Node and in a real headless Chromium; a line
// per stage, the slowest tests, and a last line of counts. `--full` runs every case of tables from which `npm test`
// takes only some (FORJA_FULL=1), and the slow sweeps of tests/full, whose result it saves. Anything that fails makes
// the exit code 1.
import { readdirSync, existsSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensureChromium } from './lib/chromium.mjs';
import { lint } from './lint.mjs';
import { StageError, root, run, seconds, stage } from './lib/stage.mjs';
import { runProject } from './lib/vitest.mjs';
import { setup } from './setup.mjs';
import { typecheck } from './typecheck.mjs';

const full = process.argv.includes('--full');
const start = performance.now();
const stages = [];
const tests = [];
const counts = { passed: 0, failed: 0, skipped: 0 };

const ready = await timed('setup', () => check(setup(), 'the dependencies are not installed'));
if (!ready.ok) end('the dependencies are not installed');
const chromium = await timed('find Chromium', ensureChromium);
if (!chromium.ok) end('the browser tests cannot run');
process.env['CHROMIUM_PATH'] = chromium.value;

const built = await timed('build', () => check(build(), 'a package was not built'));
// In parallel: each of them mostly uses a single thread.
await Promise.all([
  timed('typecheck', () => check(typecheck(), 'types are wrong')),
  timed('lint', () => check(lint(), 'the linters found something')),
]);
await project('unit');
if (built.ok) {
  await project('parity');
  await project('browser');
  await project('package');
  if (full) await sweep();
}

console.log('\nSlowest tests:');
for (const t of [...tests].sort((a, b) => b.seconds - a.seconds).slice(0, 15))
  console.log(`  ${t.seconds.toFixed(1).padStart(7)} s  ${t.file}: ${t.name}`);
end();

/** A stage whose time is listed at the end; one that fails counts as one failure. */
async function timed(name, work) {
  const result = await stage(name, work);
  stages.push(result);
  if (!result.ok) counts.failed++;
  return result;
}

/** Runs a vitest project as a stage and adds its tests to the counts. */
async function project(name) {
  let result;
  const done = await stage(`${name} tests`, async () => {
    result = await runProject(name, { env: full ? { FORJA_FULL: '1' } : {} });
    if (!result.ok) throw new StageError(`${result.counts.failed} failed`);
  });
  stages.push(done);
  tests.push(...(result?.tests ?? []));
  for (const key of Object.keys(counts)) counts[key] += result?.counts[key] ?? (key === 'failed' ? 1 : 0);
  return result;
}

/** The slow sweeps. Their result is saved in tests/full/last-result.json, which is committed. */
async function sweep() {
  const folder = join(root, 'tests', 'full');
  if (!existsSync(folder) || !readdirSync(folder, { recursive: true }).some((file) => file.endsWith('.test.ts')))
    return;
  const begun = performance.now();
  const result = await project('full');
  const { output } = await run('git', ['rev-parse', '--short', 'HEAD']);
  const { counts: of = null, tests: list = [] } = result ?? {};
  const saved = {
    date: new Date().toISOString().slice(0, 10),
    commit: output.trim(),
    node: process.version,
    machine:
      `${platform()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, ` +
      `${Math.round(totalmem() / 2 ** 30)} GiB`,
    seconds: Math.round((performance.now() - begun) / 1000),
    counts: of,
    tests: list,
  };
  writeFileSync(join(folder, 'last-result.json'), `${JSON.stringify(saved, null, 2)}\n`);
}

async function check(promise, otherwise) {
  if (!(await promise)) throw new StageError(otherwise);
}

/** Prints failures, stages and counts, and exits. They come last so that the end of a log is enough to read. */
function end(reason) {
  if (reason) counts.failed = Math.max(1, counts.failed);
  const failed = tests.filter((t) => t.status === 'failed');
  if (failed.length > 0) console.log('\nFailed tests:');
  for (const t of failed) console.log(`  ${t.file}: ${t.name}\n    ${t.message}`);
  console.log(`\nStages (${seconds(start)} in all):`);
  for (const s of stages) console.log(`  ${s.ok ? '✓' : '✗'} ${s.seconds.toFixed(1).padStart(7)} s  ${s.name}`);
  if (reason) console.log(`\nStopped: ${reason}.`);
  console.log(
    `\n${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`,
  );
  process.exit(counts.failed > 0 ? 1 : 0);
}
