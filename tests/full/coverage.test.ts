// Every signature of upstream's own tests through the exporter, in onnxruntime-node, in WASM, and at the oldest opset.
// `npm run coverage` runs this with FORJA_COVERAGE=write and keeps the result as docs/coverage.md and
// docs/coverage.json.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as web from 'onnxruntime-web';
import { expect, it } from 'vitest';
import { check, type Ort } from '../upstream/check.js';
import { recording } from '../upstream/record.mjs';
import { BARS, documentOf, numbersOf, type Checked, type Numbers } from '../upstream/summary.js';

const docs = (name: string): string => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));

it("exports the kernels as upstream's tests call them", async () => {
  web.env.wasm.numThreads = 1;
  const recorded = await recording();
  const run = async (options: Parameters<typeof check>[1]): Promise<Checked[]> => {
    const checked: Checked[] = [];
    for (const signature of recorded.records) checked.push({ signature, outcome: await check(signature, options) });
    expect(
      checked.flatMap(({ signature, outcome }) =>
        outcome.status === 'wrong' || outcome.status === 'failed' ? [`${signature.kernel}: ${outcome.why}`] : [],
      ),
    ).toEqual([]);
    return checked;
  };
  const checked = await run({});
  // The web package's classes are typed on their own, from one source.
  const numbers = numbersOf(recorded, checked, await run({ ort: web as unknown as Ort }), await run({ opset: 17 }));
  const text = documentOf(recorded, checked, numbers);
  const before = JSON.parse(readFileSync(docs('coverage.json'), 'utf8')) as Numbers;
  const writes = process.env['FORJA_COVERAGE'];
  if (writes !== undefined) {
    // Another version of tfjs has other calls.
    if (writes !== 'accept' && before.tfjs === numbers.tfjs)
      expect(
        Object.keys(numbers.refused).filter((name) => !Object.hasOwn(before.refused, name)),
        'passed before; npm run coverage -- --accept-losses writes it so',
      ).toEqual([]);
    writeFileSync(docs('coverage.md'), text);
    writeFileSync(docs('coverage.json'), `${JSON.stringify(numbers, undefined, 1)}\n`);
    return;
  }
  expect(numbers).toEqual(before);
  expect(text).toBe(readFileSync(docs('coverage.md'), 'utf8'));
  const [passed, of] = numbers.all;
  expect(passed / of).toBeGreaterThanOrEqual(BARS.all);
  for (const [name, [some, all]] of Object.entries(numbers.families))
    expect(some / all, name).toBeGreaterThanOrEqual(BARS.family);
});
