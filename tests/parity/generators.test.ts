// The generators in generators/, and discriminators beside them: unchanged, small, trained on pictures with a free
// licence, and drawing the requested classes according to an independently trained classifier.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHash } from 'node:crypto';
import { readManifest } from '@forja/core';
import { load, runtime } from '@forja/node';
import { expect, test } from 'vitest';
import { onnxExtractor } from '../../packages/trainer/src/metrics/features/onnx.js';
import { readyExtractor } from '../../packages/trainer/src/metrics/features/ready.js';

const folder = fileURLToPath(new URL('../../generators/', import.meta.url));
const bytesOf = (file: string): Uint8Array => new Uint8Array(readFileSync(join(folder, file)));

/** SHA-256 of each file; that of a discriminator is named `<generator>.discriminator`, and described by its card. */
const FILES: Readonly<Record<string, string>> = {
  clothes: '9a67036147168f5e408db2078d899fa2d4da5e6b41646c0e12ca112e5fa5b632',
  'clothes.discriminator': 'bbbf45974ab128ef64c929ab185c7bc1cab1997985d4444cf35a6bbc78ea85e8',
};

test('are unchanged, small, and have cards and free licences', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.onnx'));
  expect(files.sort()).toEqual(
    Object.keys(FILES)
      .map((name) => `${name}.onnx`)
      .sort(),
  );
  let all = 0;
  for (const [name, sha256] of Object.entries(FILES)) {
    const bytes = bytesOf(`${name}.onnx`);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    expect(bytes.length).toBeLessThan(1.5e6);
    all += bytes.length;
    const { license = '', weights } = readManifest(bytes) ?? {};
    expect(license).toMatch(/^(CC0 1\.0|MIT|Apache-2\.0|public domain)/);
    expect(weights).toBe('int8');
    const card = readFileSync(join(folder, `${name.replace(/[.]discriminator$/, '')}.md`), 'utf8');
    expect(card).toMatch(`| licence | ${license} |`);
    expect(card).toMatch(/at commit [0-9a-f]{40}/);
  }
  expect(all).toBeLessThan(10e6);
});

test('clothes are of the requested classes', async () => {
  const host = runtime({ device: 'cpu', threads: 1 });
  const judge = await onnxExtractor(await readyExtractor('clothes'), host);
  const generator = await load(join(folder, 'clothes.onnx'), { threads: 1 });
  try {
    const count = 40;
    const right: number[] = [];
    for (const label of Array.from({ length: 10 }, (_, i) => i)) {
      const { data, height, width, channels } = await generator.sample({ count, seed: label, label });
      const values = Float32Array.from(data, (byte) => byte / 127.5 - 1);
      const examples = { count, shape: [height, width, channels], values, range: [-1, 1] as const };
      const { probabilities } = await judge.extract(examples);
      const rows = Array.from({ length: count }, (_, i) =>
        Array.from(probabilities?.data.subarray(10 * i, 10 * i + 10) ?? []),
      );
      right.push(rows.filter((row) => row.indexOf(Math.max(...row)) === label).length / count);
    }
    // 0.1 by chance; shirts, pullovers and coats are the hardest to distinguish
    expect(Math.min(...right), right.join()).toBeGreaterThan(0.6);
    expect(right.reduce((a, b) => a + b) / right.length, right.join()).toBeGreaterThan(0.87);
  } finally {
    await generator.dispose();
    await judge.dispose();
    await host.dispose();
  }
});
