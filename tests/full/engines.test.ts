// The library in Bun and Deno: the same bytes as Node, by each executor. FORJA_BUN and FORJA_DENO name them (or they
// are on PATH); without one it is skipped, and says so.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectOf, smallGenerator } from '../../packages/node/vitest.support.js';

const folder = mkdtempSync(join(tmpdir(), 'forja-engines-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  await projectOf(folder, {});
  // Deno sees what a project says that it depends on.
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ type: 'module', dependencies: { 'onnxruntime-node': '*', 'onnxruntime-web': '*' } }),
  );
  writeFileSync(join(folder, 'model.onnx'), smallGenerator());
  writeFileSync(
    join(folder, 'use.mjs'),
    `
    import { createHash } from 'node:crypto';
    import { load } from './forja/index.js';
    const found = {};
    for (const device of ['cpu', 'wasm']) for (const executor of ['worker', 'inline', 'process']) {
      const generator = await load('model.onnx', { device, executor, threads: 1, lowering: 'portable' });
      const { data } = await generator.sample({ count: 3, seed: 7 });
      found[device + ' ' + executor] = createHash('sha256').update(data).digest('hex');
      await generator.dispose();
    }
    console.log(JSON.stringify(found));`,
  );
});

const run = (command: string, args: string[]): Record<string, string> => {
  const { status, stdout, stderr } = spawnSync(command, [...args, 'use.mjs'], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 120_000,
  });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, string>;
};

test.each([
  ['bun', 'FORJA_BUN', []],
  ['deno', 'FORJA_DENO', ['run', '-A', '--node-modules-dir=manual']],
] as const)('%s gives the bytes that Node gives', (name, variable, args) => {
  const command = process.env[variable] ?? name;
  const { error } = spawnSync(command, ['--version']);
  if (error) return console.log(`skipped: no ${name}; ${variable} names one`);
  expect(run(command, [...args])).toEqual(run(process.execPath, []));
});
