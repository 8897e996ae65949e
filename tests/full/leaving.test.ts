// Exiting during a run, twenty times in each way, at moments spread over the run: the exit code is right, the process
// does not abort, and no child is left.
import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { aliveBy, Leaving, WAYS } from '../parity/support/leaving.js';

const leaving = new Leaving();
const alive = aliveBy((path) => readFileSync(path, 'utf8'));
afterAll(() => leaving.scripts.remove());

test.each(Object.keys(WAYS).flatMap((way) => leaving.executorsOf(way).map((executor) => [way, executor] as const)))(
  '%s, executor %s, 20 times',
  async (way, executor) => {
    const wrong: unknown[] = [];
    for (let i = 0; i < 20; i++) {
      const { ending, left } = await leaving.trial(way, executor, i * 7, alive);
      const { stdout, code, signal } = ending;
      const { expected } = WAYS[way]!;
      // A trial also counts if the run was over before the moment.
      if (
        code !== expected.code ||
        signal !== expected.signal ||
        stdout.replace('idle', 'busy') !== expected.stdout ||
        left.length > 0
      )
        wrong.push({ i, ...ending, left });
    }
    expect(wrong).toEqual([]);
  },
);
