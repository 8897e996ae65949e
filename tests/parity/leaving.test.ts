// Exiting during a run, once in each way: the exit code is right, the process does not abort, and no child is left.
// Twenty times each: tests/full/leaving.test.ts.
import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { aliveBy, Leaving, WAYS } from './support/leaving.js';

const leaving = new Leaving();
const alive = aliveBy((path) => readFileSync(path, 'utf8'));
afterAll(() => leaving.scripts.remove());

test.each(Object.keys(WAYS).flatMap((way) => leaving.executorsOf(way).map((executor) => [way, executor] as const)))(
  '%s, executor %s',
  async (way, executor) => {
    const { ending, left } = await leaving.trial(way, executor, 30, alive);
    expect(ending).toMatchObject(WAYS[way]!.expected);
    expect(left).toEqual([]);
  },
);
