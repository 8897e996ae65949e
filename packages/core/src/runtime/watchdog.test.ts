// The limit of a call: when it is over, and that a stopped process does not use it up.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchdog } from './watchdog.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

test('calls `late` after the limit, once, and never if it was ended before', () => {
  const late = vi.fn();
  watchdog(2000, late);
  const end = watchdog(2000, () => expect.unreachable());
  vi.advanceTimersByTime(1999);
  expect(late).not.toHaveBeenCalled();
  end();
  vi.advanceTimersByTime(1);
  expect(late).toHaveBeenCalledTimes(1);
  watchdog(Infinity, () => expect.unreachable());
  expect(vi.getTimerCount()).toBe(0);
});

test('a timer that fires long after its time, as in a process that was stopped, does not use up the limit', () => {
  vi.useRealTimers();
  const due: [() => void, number][] = [];
  vi.stubGlobal('setTimeout', (call: () => void, ms: number) => due.push([call, ms]));
  const late = vi.fn();
  try {
    watchdog(8000, late);
    let waited = 0;
    for (let next = due.shift(); next !== undefined; next = due.shift()) {
      expect(late).not.toHaveBeenCalled();
      waited += next[1];
      next[0](); // whenever: an hour later, too
    }
    expect(waited).toBe(8000);
    expect(late).toHaveBeenCalledTimes(1);
  } finally {
    vi.unstubAllGlobals();
  }
});
