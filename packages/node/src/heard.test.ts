// A listener that fails is a warning: nothing reaches the caller, or the process.
import { expect, it } from 'vitest';
import { heard, SharedRuntimes, type RuntimeEvent } from '@forja/core';

const FAILING: [string, () => unknown][] = [
  [
    'throws',
    () => {
      throw new Error('of the listener');
    },
  ],
  ['rejects', () => Promise.reject(new Error('of the listener'))],
  ['rejects with null', () => Promise.reject(null as unknown as Error)],
];

/** Waits until microtasks are done. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

it.each(FAILING)('warns of one that %s', async (_, listener) => {
  const warnings: string[] = [];
  heard(listener, (message) => warnings.push(message))('event');
  await settled(); // a rejection that nobody handles fails the run
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/of the listener|null/);
});

it('calls every listener of a shared runtime, if one fails too', async () => {
  const [heardOf, warnings]: string[][] = [[], []];
  const shared = new SharedRuntimes((message) => warnings?.push(message));
  let tell: ((event: RuntimeEvent) => void) | undefined;
  const make = (given: typeof tell) => {
    tell = given;
    return { dispose: () => Promise.resolve() };
  };
  for (const [, listener] of FAILING) shared.lease('key', make, listener as () => void);
  shared.lease('key', make, ({ reason }) => heardOf?.push(reason));
  tell?.({ type: 'restarted', reason: 'it died' });
  await settled();
  expect(heardOf).toEqual(['it died']);
  expect(warnings).toHaveLength(FAILING.length);
});
