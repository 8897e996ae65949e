// Which of two forms of a model a run takes, and what ends a preparation.
import { describe, expect, test } from 'vitest';
import type { FastBytes } from '../onnx/fast/bytes.js';
import { tensor } from '../tensor.js';
import type { DeviceReport } from './session.js';
import { TwoForms } from './two-forms.js';

const device: DeviceReport = {
  requested: 'auto',
  actual: 'wasm',
  reasons: ['one'],
  threads: 1,
  executor: 'worker',
  placement: {},
  cpuOps: [],
};
const feeds = (...rows: number[]) =>
  Object.fromEntries(rows.map((n, i) => [`x${i}`, tensor('float32', [n], new Float32Array(n))]));
const found = (from: number): FastBytes => ({ bytes: Uint8Array.of(7), convolutions: { conv: 'F(2, 2)' }, from });

/** Forms named `plain` and `fast`, and what happened. */
function forms(done: Promise<FastBytes | undefined>, opened = Promise.resolve()) {
  const seen: string[] = [];
  const two = new TwoForms({
    plain: 'plain',
    model: 'model',
    prepare: (model) => {
      seen.push(`prepare ${model}`);
      return { done, cancel: async () => void seen.push('cancel') };
    },
    open: async ([byte]) => {
      seen.push(`open ${byte}`);
      await opened;
      return 'fast';
    },
    free: async (form) => seen.push(`free ${form}`),
    onChange: () => void seen.push('change'),
  });
  return { two, seen };
}

describe('large batches', () => {
  test.each([
    [1, 8],
    [16, 16],
  ])('estimated to pay from %i on, take the second form from %i on', async (from, least) => {
    const { two, seen } = forms(Promise.resolve(found(from)));
    expect([two.of(feeds(7)), two.of(feeds()), seen]).toEqual(['plain', 'plain', []]);
    expect([two.of(feeds(1, 64)), two.of(feeds(64))]).toEqual(['plain', 'plain']);
    await two.prepare();
    expect(seen).toEqual(['prepare model', 'open 7', 'change']);
    expect([least - 1, least, 64].map((rows) => two.of(feeds(rows)))).toEqual(['plain', 'fast', 'fast']);
    expect(two.report(device)).toMatchObject({
      convolutions: { conv: 'F(2, 2)' },
      reasons: ['one', expect.stringContaining(`runs of ${least} rows`)],
    });
    await two.end();
    await two.end();
    expect([seen.slice(3), two.of(feeds(64))]).toEqual([['free fast', 'cancel'], 'plain']);
  });

  test.each([
    ['nothing to gain', () => Promise.resolve(undefined), undefined],
    ['never estimated to pay', () => Promise.resolve(found(Infinity)), undefined],
    ['no memory', () => Promise.reject(new Error('no memory')), 'convolutions: unchanged: no memory'],
  ] as const)('with %s take the file’s own form', async (_, done, reason) => {
    const { two, seen } = forms(done());
    await two.prepare();
    await two.prepare();
    expect([two.of(feeds(64)), two.of(feeds(64))]).toEqual(['plain', 'plain']);
    expect(seen).toEqual(['prepare model', ...(reason === undefined ? [] : ['change'])]);
    expect(two.report(device)).toEqual({ ...device, reasons: ['one', ...(reason === undefined ? [] : [reason])] });
    await two.end();
  });
});

test('a preparation that was ended opens nothing, or frees what was being opened', async () => {
  let finish: (model: FastBytes | undefined) => void = () => undefined;
  const { two, seen } = forms(new Promise((resolve) => (finish = resolve)));
  two.of(feeds(8));
  const ended = two.end();
  finish(found(1));
  await ended;
  expect(seen).toEqual(['prepare model', 'cancel']);
  let opened: () => void = () => undefined;
  const opening = forms(Promise.resolve(found(1)), new Promise((resolve) => (opened = resolve)));
  void opening.two.prepare();
  await expect.poll(() => opening.seen).toContain('open 7');
  const over = opening.two.end();
  opened();
  await over;
  expect(opening.seen).toEqual(['prepare model', 'open 7', 'cancel', 'free fast']);
  const never = forms(Promise.resolve(found(1)));
  await never.two.end();
  expect([never.two.of(feeds(64)), never.seen]).toEqual(['plain', []]);
});
