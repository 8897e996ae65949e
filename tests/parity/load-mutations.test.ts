// Damaged files of 400 seeds: each loads and runs, or is refused with a code. Ten thousand: tests/full.
import { expect, test } from 'vitest';
import { loadMutations } from './support/load-mutations.js';

test('every damaged file gives a picture or an error with a code', async () => {
  const { outcomes, wrong } = await loadMutations(0, 400);
  expect(wrong).toEqual([]);
  expect(outcomes['ok']).toBeGreaterThan(10);
  expect(outcomes['model.format']).toBeGreaterThan(50);
  expect(outcomes['model.truncated']).toBeGreaterThan(10);
  expect(outcomes['model.integrity']).toBeGreaterThan(10);
});
