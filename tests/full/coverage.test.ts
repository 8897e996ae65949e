// Every signature of upstream's own tests through the exporter. `npm run coverage` runs this with FORJA_COVERAGE=write and keeps the result as docs/coverage.md and docs/coverage.json.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { check } from '../upstream/check.js';
import { recording } from '../upstream/record.mjs';
import { BARS, documentOf, numbersOf, type Checked } from '../upstream/summary.js';

const docs = (name: string): string => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));

it("exports the kernels as upstream's tests call them", async () => {
  const recorded = await recording();
  const checked: Checked[] = [];
  for (const signature of recorded.records) checked.push({ signature, outcome: await check(signature) });
  const numbers = numbersOf(recorded, checked);
  expect(checked.flatMap(({ signature, outcome }) => (outcome.status === 'wrong' || outcome.status === 'failed' ? [`${signature.kernel}: ${outcome.why}`] : []))).toEqual([]);
  const text = documentOf(recorded, checked, numbers);
  if (process.env['FORJA_COVERAGE'] === 'write') {
    writeFileSync(docs('coverage.md'), text);
    writeFileSync(docs('coverage.json'), `${JSON.stringify(numbers, undefined, 1)}\n`);
    return;
  }
  expect(numbers).toEqual(JSON.parse(readFileSync(docs('coverage.json'), 'utf8')));
  expect(text).toBe(readFileSync(docs('coverage.md'), 'utf8'));
  const [passed, of] = numbers.all;
  expect(passed / of).toBeGreaterThanOrEqual(BARS.all);
  for (const [name, [some, all]] of Object.entries(numbers.families)) expect(some / all, name).toBeGreaterThanOrEqual(BARS.family);
});
