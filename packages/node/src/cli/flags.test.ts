// Flags that can be checked without the model are, before it is read: it is not there, and the flag is what is named.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main, OWN } from './main.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'forja-flags-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function forja(...args: string[]): Promise<{ code: number; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const code = await main(args, { stdout, stderr, cwd: folder });
  return { code, err: String((stderr.read() as Buffer | null) ?? '') };
}

const NUMBERS: Readonly<Record<string, string[]>> = {
  sample: ['count', 'columns', 'padding', 'delay', 'scale', 'threads'],
  interpolate: ['steps', 'delay', 'scale', 'threads'],
  mix: ['from', 'padding', 'scale', 'threads'],
  video: ['fps', 'scale', 'threads', 'seconds'],
  score: ['threads'],
  convert: ['least'],
  bench: ['seconds', 'threads'],
  serve: ['port', 'queue', 'max-count', 'max-body', 'max-batch', 'delay', 'drain', 'threads'],
  'export-repository': ['model-version', 'max-batch', 'delay', 'instances'],
};

test.each(Object.entries(NUMBERS).flatMap(([command, flags]) => flags.map((flag) => [command, flag] as const)))(
  '%s --%s -1',
  async (command, flag) => {
    const more = command === 'score' ? ['picture.png'] : [];
    const { code, err } = await forja(command, 'none.onnx', ...more, `--${flag}=-1`);
    expect(err).toMatch(new RegExp(`${command} --${flag}: expected .*-1.*\\[input\\.range\\]`));
    expect(code).toBe(2);
  },
);

test('every flag of whole numbers has a range', () => {
  const open = OWN.flatMap(({ name, options = [] }) =>
    options
      .filter(({ type, range }) => type === 'integer' && range === undefined)
      .map(({ flags }) => `${name} ${flags}`),
  );
  expect(open).toEqual([]);
});

test.each<[string[], RegExp]>([
  [['sample', '--psi', '3'], /--psi: .* got \{ psi: 3 \}/],
  [['sample', '--psi', '0.3..9'], /--psi: .* got \{ psi: 9 \}/],
  [['sample', '--truncation', 'psi:-1'], /--truncation: .* got \{ psi: -1 \}/],
  [['sample', '--truncation', '0'], /--truncation: .* got 0/],
  [['sample', '--label', '-1'], /--label: .*-1/],
  [['sample', '--noise', 'some'], /--noise: .* got 'some'/],
  [['interpolate', '--noise', '-1'], /--noise: .* got '-1'/],
  [['mix', '--truncation', '-2'], /--truncation: .* got -2/],
  [['mix', '--label', '-3'], /--label: .*-3/],
  [['interpolate', '--seeds', '0-9', '--steps', '9'], /at least 10 pictures.* got 9/],
  [['interpolate', '--label', '1', '--label', '2', '--label', '0', '--steps', '2'], /at least 3 pictures/],
  [['video', '--seeds', '0-9', '--seconds', '0.2', '--fps', '25'], /at least 10 pictures.* got 5/],
  [['serve', '--origin', 'example.org'], /origins: .* got 'example\.org'/],
  [['serve', '--token', 'a b'], /token/],
])('%j', async ([command = '', ...flags], message) => {
  const { code, err } = await forja(command, 'none.onnx', ...flags);
  expect(err).toMatch(message);
  expect(code).toBe(2);
  expect(readdirSync(folder)).toEqual([]);
});

test.each([['interpolate'], ['video']])('%s --space w names the second model that is missing', async (command) => {
  const { code, err } = await forja(command, 'none.onnx', '--space', 'w');
  expect([code, err]).toEqual([1, expect.stringMatching(/--space: .*synthesis\.onnx.*\[model\.notFound\]/)]);
});
