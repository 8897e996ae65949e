// Damaged files of ten thousand seeds: each loads and runs, or is refused with a code.
import { expect, test } from 'vitest';
import { loadMutations } from '../parity/support/load-mutations.js';

test('ten thousand damaged files end in a picture or an error with a code', async () => {
  const { outcomes, wrong } = await loadMutations(1000, 11_000);
  console.log(JSON.stringify(outcomes));
  expect(wrong).toEqual([]);
});
