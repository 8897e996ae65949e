// Runs one vitest project and reads its JSON report: counts, the time of each test, and failures outside of tests (a
// file that did not load).
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { StageError, root, run, tool } from './stage.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */
/** @typedef {{ name: string, file: string, status: string, seconds: number, message?: string }} TestTime */

/**
 * Runs the project with vitest's own output on the terminal.
 * @returns {Promise<{ ok: boolean, counts: Counts, tests: TestTime[] }>}
 */
export async function runProject(
  project,
  { env = {}, report = join(root, 'node_modules', '.cache', 'forja', `vitest-${project}.json`) } = {},
) {
  mkdirSync(dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const args = ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { code } = await run(process.execPath, [tool('vitest/vitest.mjs'), ...args], {
    show: true,
    env: { ...plain, ...env },
  });
  if (!existsSync(report)) throw new StageError(`vitest wrote no report (exit code ${code})`);
  return read(JSON.parse(readFileSync(report, 'utf8')), code);
}

/** No colour codes in a log that is not a terminal. */
const plain = process.stdout.isTTY ? {} : { NO_COLOR: '1' };

/**
 * Counts and times from vitest’s JSON report. A file that did not load, and an error outside any test, count as
 * failures.
 */
export function read(report, code) {
  const tests = report.testResults.flatMap((file) =>
    file.assertionResults.map((t) => ({
      name: t.fullName,
      file: relative(root, file.name),
      status: t.status,
      seconds: Math.round(t.duration ?? 0) / 1000,
      ...(t.status === 'failed' && { message: String(t.failureMessages?.[0]).split('\n')[0].slice(0, 300) }),
    })),
  );
  const count = (...states) => tests.filter((t) => states.includes(t.status)).length;
  const unloaded = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((t) => t.status === 'failed'),
  ).length;
  const counts = {
    passed: count('passed'),
    failed: count('failed') + unloaded,
    skipped: count('skipped', 'pending', 'todo', 'disabled'),
  };
  if (code !== 0 && counts.failed === 0) counts.failed = 1; // an error outside any test
  return { ok: code === 0, counts, tests };
}
