// What the reference changes in tfjs's flags where tfjs says that it is not in Node, as in a page.
import * as tf from '@tensorflow/tfjs';
import { expect, it, vi } from 'vitest';
import { reference } from './reference.js';

it('starts WASM without threads, and restores the flag', async () => {
  await tf.setBackend('cpu');
  const env = tf.env();
  const ask = env.getBool.bind(env);
  vi.spyOn(env, 'getBool').mockImplementation((flag) => flag !== 'IS_NODE' && ask(flag));
  const set = vi.spyOn(env, 'set');
  try {
    const { backend } = await reference({ values: [], inputs: [], constants: new Map(), calls: [], outputs: [] });
    expect(backend).toBe('wasm');
    expect(set.mock.calls).toEqual([['WASM_HAS_MULTITHREAD_SUPPORT', false]]);
    expect(env.getFlags()).not.toHaveProperty('WASM_HAS_MULTITHREAD_SUPPORT');
  } finally {
    vi.restoreAllMocks();
  }
});
