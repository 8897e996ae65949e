// Ctrl-C as a command sees it: once from the terminal, and once more from npx or npm, which pass it on.
import { PassThrough } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { interrupts } from './io.js';

afterEach(() => vi.restoreAllMocks());

test('a signal that is passed on at once counts as the same one; a later one ends the process', () => {
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  const control = new AbortController();
  const others = process.listeners('SIGINT');
  let now = 0;
  const undo = interrupts(control, new PassThrough(), () => now);
  const [press] = process.listeners('SIGINT').filter((listener) => !others.includes(listener));
  expect(control.signal.aborted).toBe(false);
  press?.('SIGINT');
  expect(control.signal.aborted).toBe(true);
  for (now of [0, 3, 40]) press?.('SIGINT');
  expect(exit).not.toHaveBeenCalled();
  now = 900;
  press?.('SIGINT');
  press?.('SIGTERM');
  expect(exit.mock.calls).toEqual([[130], [143]]);
  undo();
  expect(process.listeners('SIGINT')).toEqual(others);
});
