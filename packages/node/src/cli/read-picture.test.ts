// Files that are no picture, or not a whole one.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, expect, it } from 'vitest';
import { readPicture } from './read-picture.js';

const cwd = await mkdtemp(join(tmpdir(), 'forja-png-'));
afterAll(() => rm(cwd, { recursive: true, force: true }));

const whole = PNG.sync.write(
  Object.assign(new PNG({ width: 2, height: 1 }), { data: Buffer.from([1, 2, 3, 255, 4, 5, 6, 255]) }),
);

it('reads what pngjs wrote', async () => {
  await writeFile(join(cwd, 'a.png'), whole);
  const { width, height, data } = await readPicture('score', 'a.png', cwd);
  expect([width, height, ...Array.from(data)]).toEqual([2, 1, 1, 2, 3, 255, 4, 5, 6, 255]);
});

it.each([
  ['an empty file', Buffer.alloc(0)],
  ['a JPEG without its end', Buffer.from([0xff, 0xd8, 0xff, 0xe0])],
  ['another file', Buffer.from('{"a": 1}')],
  ['a damaged one', whole.subarray(0, 40)],
  ['its signature alone', whole.subarray(0, 8)],
])('refuses %s, by its path', async (_, bytes) => {
  await writeFile(join(cwd, 'b.png'), bytes);
  await expect(readPicture('score', 'b.png', cwd)).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining(join(cwd, 'b.png')),
  });
});
