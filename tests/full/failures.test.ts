// Each failing training run gets its own diagnosis and no other, and improves with the advised flag; healthy runs get
// no diagnosis. docs/remedies.md has the numbers.
import { runtime } from '@forja/node';
import type { Runtime } from '@forja/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAILURES, HEALTHY, play } from '../failures/failures.mjs';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

describe.each(Object.entries(FAILURES))('%s', (name, { data, config, cure, flag, score, of = 'scores', better }) => {
  test('is seen, and cured by the flag that is advised', async () => {
    const ill = await play({ data, config }, host);
    expect(ill.diagnoses.map((one) => one.name)).toEqual([name]);
    expect(ill.diagnoses[0]?.flag).toBe(flag);
    const cured = await play({ data, config: { ...config, ...cure } }, host);
    const scoreOf = ({ scores, lines }: typeof ill): number =>
      (of === 'scores' ? scores : lines.filter(({ scalars }) => score in scalars).at(-1)?.scalars)?.[score] ?? NaN;
    const [before, after] = [scoreOf(ill), scoreOf(cured)];
    if (better === 'less') expect(after).toBeLessThan(before);
    else expect(after).toBeGreaterThan(before);
    expect(cured.diagnoses.map((one) => one.name)).not.toContain(name);
  });
});

test.each(Object.entries(HEALTHY))('nothing is told of a healthy run: %s', async (_, run) => {
  expect((await play(run, host)).diagnoses).toEqual([]);
});
