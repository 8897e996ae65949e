// Runs the examples on the built packages: each asserts its own result, exits, and says so in its last line.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { TFJS_ADVICE } from '../advice.js';
import { root } from './support/pack.js';

const folder = join(root, 'examples');
const stories = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'main.mjs')));

test('there are examples, each with a page that says how to run it', () => {
  expect(stories).toEqual(
    expect.arrayContaining(['conditional', 'custom-kernel', 'export-tfjs', 'node-service', 'own-gan']),
  );
  for (const name of stories)
    expect(readFileSync(join(folder, name, 'README.md'), 'utf8')).toContain(`node examples/${name}/main.mjs`);
});

test('examples/conditional stops, resumes, and leaves a report and an export, in at most 60 lines', async () => {
  const main = join('examples', 'conditional', 'main.mjs');
  expect(readFileSync(join(root, main), 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(60);
  const run = join(mkdtempSync(join(tmpdir(), 'forja-examples-')), 'run');
  try {
    await promisify(execFile)(process.execPath, [main, run], { cwd: root });
    const files = readdirSync(run);
    expect(files).toEqual(expect.arrayContaining(['report.html', 'generator.onnx', 'checkpoint-2500', 'samples']));
    const sessions = JSON.parse(readFileSync(join(run, 'sessions.json'), 'utf8')) as { fromStep: number }[];
    expect(sessions).toHaveLength(2);
    expect(sessions[1]?.fromStep).toBeGreaterThanOrEqual(1000);
    expect(sessions[1]?.fromStep).toBeLessThan(2500);
  } finally {
    rmSync(join(run, '..'), { recursive: true, force: true });
  }
});

test.each(stories)('examples/%s passes its assertions', async (name) => {
  const main = join('examples', name, 'main.mjs');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main], { cwd: root });
  expect(stdout + stderr).not.toMatch(TFJS_ADVICE);
  expect(stdout.trim().split('\n').at(-1)).toMatch(/^ok: /);
});
