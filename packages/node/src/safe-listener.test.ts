// A listener that throws or rejects causes one warning: no error reaches the caller, none stays unhandled.
import { expect, it } from 'vitest';
import { safeListener } from '@forja/core';

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

it.each(FAILING)('warns of a listener that %s', async (_, listener) => {
  const warnings: string[] = [];
  safeListener(listener, (message) => warnings.push(message))('event');
  await settled(); // a rejection that nobody handles fails the run
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/of the listener|null/);
});
