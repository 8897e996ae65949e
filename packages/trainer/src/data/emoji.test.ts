// Which emoji files belong together, and that variants of one emoji are on the same side of every split.
import { expect, test } from 'vitest';
import { HELD, baseOf, codeOf, emojiLayout } from './emoji.js';
import { isHeldOut } from './split.js';

test('file names become code points, however a package writes them, and variants have one base', () => {
  expect(['assets/0023-fe0f-20e3.webp', '0023-20E3.svg'].map(codeOf)).toEqual(['0023-20e3', '0023-20e3']);
  const runner = ['1f3c3', '1f3c3-1f3fd', '1f3c3-200d-2640', '1f3c3-1f3ff-200d-2642'];
  expect(new Set(runner.map(baseOf))).toEqual(new Set(['1f3c3']));
  const right = ['1f3c3-200d-27a1', '1f3c3-1f3fd-200d-2640-200d-27a1', '1f3c3-200d-2642-200d-27a1']; // facing right
  expect(new Set(right.map(baseOf))).toEqual(new Set(['1f3c3']));
  expect(baseOf('1f468-200d-1f4bb')).toBe('1f468-200d-1f4bb'); // a trade, not a variant
});

test('uses emoji that every field has, as pairs; training sets `a` and `b` share no emoji', () => {
  const codes = Array.from({ length: 60 }, (_, i) => (0x1f400 + i).toString(16));
  const input = codes.flatMap((code) => [`noto/${code}.png`, `noto/${code}-1f3fd.png`]);
  const target = codes.slice(0, 50).flatMap((code) => [`fluent/${code}.webp`, `fluent/${code}-1f3fd.webp`]);
  const { parts } = emojiLayout({ input, target });
  const [pairs, a, b] = parts.map(({ examples }) => examples);
  expect(parts.map(({ part }) => part)).toEqual([undefined, 'a', 'b']);
  expect(pairs).toHaveLength(100);
  expect(pairs?.[1]?.files).toEqual(['noto/1f400-1f3fd.png', 'fluent/1f400-1f3fd.webp']);
  const trained = (examples: typeof pairs): Set<string> =>
    new Set((examples ?? []).filter(({ name }) => !isHeldOut(name, HELD)).map(({ name }) => name));
  const [ofA, ofB] = [trained(a), trained(b)];
  expect([...ofA].filter((name) => ofB.has(name))).toEqual([]);
  expect(ofA.size + ofB.size).toBe(trained(pairs).size);
  const held = (examples: typeof pairs): string[] =>
    (examples ?? []).filter(({ name }) => isHeldOut(name, HELD)).map(({ name }) => name);
  expect(held(a)).toEqual(held(pairs)); // the holdout has pairs at the same index, for measures
  expect(held(b)).toEqual(held(pairs));
  expect(held(pairs).length).toBeGreaterThan(0);
});

test('fields that are lines, unpaired too; without emoji that have the lines of another one in that ink', () => {
  const grinning = ['1f600', '1f601', '1f602', '1f603', '1f604', '1f605', '1f606', '1f607', '1f608', '1f609'];
  const red = ['2764', '1f534'];
  const others = ['1f499', '1f9e1', '1f1e9-1f1ea', '1f3f4-e0067-e0062', '1f7e6'];
  const files = [...grinning, ...red, ...others, '1f590-1f3fb'].map((code) => `noto/${code}.png`);
  for (const [ink, used] of [
    ['black', [...grinning, ...red]],
    ['coloured', [...grinning, ...red, ...others]],
  ] as const) {
    const { parts } = emojiLayout({ input: files, target: files }, { lines: { input: ink } });
    expect(parts.map(({ fields }) => fields)).toEqual([
      [{ name: 'input', lines: ink }, { name: 'target' }],
      [{ name: 'a', lines: ink }],
      [{ name: 'b' }],
    ]);
    expect(parts[0]?.examples.map(({ name }) => name).sort()).toEqual([...used].sort());
  }
});
