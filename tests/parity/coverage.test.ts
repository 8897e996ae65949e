// A random sample of upstream's kernel calls through the exporter: those that passed when docs/coverage.json was
// written still pass. tests/full/coverage.test.ts runs all of them.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { check } from '../upstream/check.js';
import { recording } from '../upstream/record.mjs';
import { BARS, fingerprint, type Numbers } from '../upstream/summary.js';

const numbers = JSON.parse(readFileSync(new URL('../../docs/coverage.json', import.meta.url), 'utf8')) as Numbers;

/** How many are drawn, and from which seed. */
const [DRAWN, SEED] = [1600, 5];

/** Fisher and Yates, with a linear congruential generator. */
function shuffled<T>(all: readonly T[], seed: number): T[] {
  const list = [...all];
  let state = seed;
  for (let i = list.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [list[i], list[j]] = [list[j] as T, list[i] as T]; // both are inside
  }
  return list;
}

describe("kernels as upstream's tests call them", () => {
  it('are as many as docs/coverage.md says, with passing shares above the bars', async () => {
    const { records, version, failures } = await recording();
    expect(failures).toEqual([]);
    expect(version).toBe(numbers.tfjs);
    expect(records.length).toBe(numbers.all[1] + numbers.other);
    expect(Object.keys(numbers.refused).length).toBe(numbers.all[1] - numbers.all[0]);
    const names = new Set(records.map(fingerprint));
    expect(Object.keys(numbers.refused).filter((name) => !names.has(name))).toEqual([]);
    expect(numbers.all[0] / numbers.all[1]).toBeGreaterThanOrEqual(BARS.all);
    for (const [name, [some, all]] of Object.entries(numbers.families))
      expect(some / all, name).toBeGreaterThanOrEqual(BARS.family);
  });

  it('pass where they passed before', async () => {
    const lost: string[] = [];
    let passed = 0;
    for (const signature of shuffled((await recording()).records, SEED).slice(0, DRAWN)) {
      const outcome = await check(signature);
      if (outcome.status === 'passed') passed++;
      else if (outcome.status !== 'other' && !Object.hasOwn(numbers.refused, fingerprint(signature)))
        lost.push(
          `${signature.kernel} ${JSON.stringify(signature.inputs)} ${JSON.stringify(signature.attrs)}: ${outcome.status}, ${outcome.why}`,
        );
      else if (outcome.status === 'wrong') lost.push(`${signature.kernel}: ${outcome.why}`);
    }
    expect(lost).toEqual([]);
    expect(passed).toBeGreaterThan(DRAWN * 0.85);
  });
});
