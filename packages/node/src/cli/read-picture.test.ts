// Files that are no PNG, or not a whole one: said in words, with the path.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, expect, it } from 'vitest';
import { readPng } from './read-png.js';

const cwd = await mkdtemp(join(tmpdir(), 'forja-png-'));
afterAll(() => rm(cwd, { recursive: true, force: true }));

const whole = PNG.sync.write(
  Object.assign(new PNG({ width: 2, height: 1 }), { data: Buffer.from([1, 2, 3, 255, 4, 5, 6, 255]) }),
);

it('reads what pngjs wrote', async () => {
  await writeFile(join(cwd, 'a.png'), whole);
  const { width, height, data } = await readPng('score', 'a.png', cwd);
  expect([width, height, ...Array.from(data)]).toEqual([2, 1, 1, 2, 3, 255, 4, 5, 6, 255]);
});

it.each([
  ['an empty file', Buffer.alloc(0)],
  ['a JPEG', Buffer.from([0xff, 0xd8, 0xff, 0xe0])],
  ['another file', Buffer.from('{"a": 1}')],
  ['a damaged one', whole.subarray(0, 40)],
  ['a damaged one', whole.subarray(0, 8)],
])('names %s', async (got, bytes) => {
  await writeFile(join(cwd, 'b.png'), bytes);
  await expect(readPng('score', 'b.png', cwd)).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringMatching(new RegExp(`PNG at .*b\\.png, got ${got}`)),
  });
});
