// The checkpoint format: bits survive, damage is detected, environments are compared.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint, environmentChanges, firstBad, type Checkpoint } from './checkpoint.js';

// a NaN with payload, −0, a subnormal, 1
const bits = new Float32Array(new Uint32Array([0x7fc00001, 0x80000000, 1, 0x3f800000]).buffer);
const example: Checkpoint = {
  step: 30,
  seed: 7,
  batch: 4,
  count: 100,
  seconds: 1.5,
  system: 'dcgan',
  environment: { threads: '2', cpu: 'Élan' },
  state: {
    'g/dense/kernel': { dtype: 'float32', shape: [2, 2], data: bits },
    'ema/step': { dtype: 'float32', shape: [], data: new Float32Array([3]) },
    counter: { dtype: 'int32', shape: [3], data: new Int32Array([1, -2, 3]) },
    none: { dtype: 'float32', shape: [0, 4], data: new Float32Array(0) },
  },
};

describe('checkpoint', () => {
  it('keeps every bit and field', async () => {
    const back = await decodeCheckpoint(await encodeCheckpoint(example));
    expect(Object.keys(back.state)).toEqual(Object.keys(example.state));
    expect(new Uint32Array((back.state['g/dense/kernel']?.data as Float32Array).buffer)).toEqual(
      new Uint32Array(bits.buffer),
    );
    expect(back).toEqual(example);
  });

  it('is read at any offset of a buffer', async () => {
    const bytes = await encodeCheckpoint(example);
    const odd = new Uint8Array(bytes.length + 3);
    odd.set(bytes, 3);
    expect(await decodeCheckpoint(odd.subarray(3))).toEqual(example);
  });

  it('ends with the SHA-256 that Node computes, and aligns tensors to 64 bytes', async () => {
    const bytes = await encodeCheckpoint(example);
    expect(Buffer.from(bytes.subarray(-32)).toString('hex')).toBe(
      createHash('sha256').update(bytes.subarray(0, -32)).digest('hex'),
    );
    expect(bytes.length % 64).toBe(32);
    const raw = Buffer.from(bits.buffer);
    expect(Buffer.from(bytes).indexOf(raw) % 64).toBe(0);
  });

  it('finds any flipped byte and any cut', async () => {
    const bytes = await encodeCheckpoint(example);
    for (let at = 0; at < bytes.length; at += 7) {
      const flipped = bytes.slice();
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      await expect(decodeCheckpoint(flipped, 'c.ckpt')).rejects.toMatchObject({ code: 'checkpoint.format' });
    }
    for (const length of [0, 5, 20, 100, bytes.length - 1])
      await expect(decodeCheckpoint(bytes.slice(0, length))).rejects.toMatchObject({ code: 'checkpoint.format' });
  });

  it('says what changed around it', () => {
    expect(environmentChanges({ threads: '2', cpu: 'a' }, { threads: '4', cpu: 'a', node: '20' })).toEqual([
      'threads was 2, is 4',
      'node was unknown, is 20',
    ]);
    expect(environmentChanges({ a: '1' }, { a: '1' })).toEqual([]);
  });

  it('names the first tensor that is not finite', () => {
    expect(firstBad(example.state)).toMatchObject({ name: 'g/dense/kernel' });
    expect(firstBad({ a: { dtype: 'float32', shape: [2], data: new Float32Array([1, -Infinity]) } })).toEqual({
      name: 'a',
      value: -Infinity,
    });
    expect(
      firstBad({
        a: { dtype: 'float32', shape: [1], data: new Float32Array([1]) },
        b: { dtype: 'int32', shape: [1], data: new Int32Array(1) },
      }),
    ).toBeUndefined();
  });
});
