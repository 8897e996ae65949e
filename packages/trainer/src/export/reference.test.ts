// What the reference leaves of itself in the process.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it, vi } from 'vitest';
import { reference } from './reference.js';
import { withoutRethrowing } from './rethrowing.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const EMPTY = { values: [], inputs: [], constants: new Map<never, never>(), calls: [], outputs: [] };

it('runs on WASM, and leaves listeners of the process, globals, flags and the backend as they were', async () => {
  const [exceptions, rejections] = [process.listeners('uncaughtException'), process.listeners('unhandledRejection')];
  const globals = Reflect.ownKeys(globalThis);
  // Somebody's own, added while the backend starts.
  const own = (error: unknown): void => void error;
  const set = vi.spyOn(tf.env(), 'set');
  const starting = reference(EMPTY);
  process.on('unhandledRejection', own);
  try {
    expect((await starting).backend).toBe('wasm');
    expect(process.listeners('uncaughtException')).toEqual(exceptions);
    expect(process.listeners('unhandledRejection')).toEqual([...rejections, own]);
    expect(Reflect.ownKeys(globalThis)).toEqual(globals);
    expect(tf.getBackend()).toBe('cpu');
    expect(set).not.toHaveBeenCalled();
  } finally {
    set.mockRestore();
    process.removeListener('unhandledRejection', own);
  }
});

it('knows listeners that only throw, as bundlers write them too, and leaves others', async () => {
  class ExitStatus extends Error {}
  const rethrowing = [
    function (ex: unknown) {
      if (!(ex instanceof ExitStatus)) {
        throw ex;
      }
    },
    function (reason: unknown) {
      throw reason;
    },
    (e: unknown) => {
      if (!(e instanceof ExitStatus)) throw e;
    },
    (e: unknown) => {
      throw e;
    },
  ];
  const seen: unknown[] = [];
  const others = [
    (e: unknown) => {
      seen.push(e);
      throw e;
    },
    (e: unknown) => void seen.push(e),
  ];
  const before = process.listeners('unhandledRejection');
  try {
    await withoutRethrowing(() => {
      for (const listener of [...rethrowing, ...others]) process.on('unhandledRejection', listener);
      return Promise.resolve();
    });
    expect(process.listeners('unhandledRejection')).toEqual([...before, ...others]);
  } finally {
    for (const listener of [...rethrowing, ...others]) process.removeListener('unhandledRejection', listener);
  }
});
