// The checkpoint format: bits survive, damage is detected, environments are compared.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint, environmentChanges, firstBad, type Checkpoint } from './checkpoint.js';
import { decodeTensors } from './safetensors.js';

const VECTORS = join(import.meta.dirname, '../../../../tests/vectors');
interface Raw {
  readonly dtype: string;
  readonly shape: number[];
  readonly hex: string;
}
interface Written {
  readonly file: string;
  readonly checkpoint: object;
  readonly tensors: Readonly<Record<string, Raw>>;
}
/** By checkpoints.py: our file as it was read, and two that it wrote. */
const vectors = JSON.parse(readFileSync(join(VECTORS, 'checkpoints.json'), 'utf8')) as {
  ours: { metadata: Readonly<Record<string, string>>; tensors: Readonly<Record<string, Raw>> };
  theirs: Written;
  version2: Written;
};

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

  it('can be read at any offset of a buffer', async () => {
    const bytes = await encodeCheckpoint(example);
    const odd = new Uint8Array(bytes.length + 3);
    odd.set(bytes, 3);
    expect(await decodeCheckpoint(odd.subarray(3))).toEqual(example);
  });

  it('has the SHA-256 that Node computes, of the file with zeros in its place', async () => {
    const bytes = Buffer.from(await encodeCheckpoint(example));
    const at = bytes.indexOf('"sha256":"') + '"sha256":"'.length;
    const digest = bytes.toString('ascii', at, at + 64);
    bytes.fill('0', at, at + 64);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest);
  });

  it('is what the Python package safetensors reads as these tensors, bit for bit', async () => {
    const bytes = await encodeCheckpoint(example);
    // the file that tests/vectors/checkpoints.py read: vitest -u writes it
    await expect(`${Buffer.from(bytes).toString('base64')}\n`).toMatchFileSnapshot(
      join(VECTORS, 'checkpoint-3.base64'),
    );
    const dtypes = { float32: 'F32', int32: 'I32' } as Readonly<Record<string, string>>;
    expect(vectors.ours.tensors).toEqual(
      Object.fromEntries(
        Object.entries(example.state).map(([name, { dtype, shape, data }]) => [
          name,
          {
            dtype: dtypes[dtype],
            shape,
            hex: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex'),
          },
        ]),
      ),
    );
    const { state: _, ...rest } = example;
    const { checkpoint = '', format, version } = vectors.ours.metadata;
    expect([JSON.parse(checkpoint), format, version]).toEqual([rest, 'forja.checkpoint', '3']);
  });

  it.each(['theirs', 'version2'] as const)('reads what Python wrote: %s', async (name) => {
    const { file, checkpoint, tensors } = vectors[name];
    const { state, ...rest } = await decodeCheckpoint(Buffer.from(file, 'base64'));
    expect(rest).toEqual(checkpoint);
    const found = Object.entries(state).map(([tensor, { dtype, shape, data }]) => [
      tensor,
      { dtype, shape, hex: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex') },
    ]);
    expect(Object.fromEntries(found)).toEqual(tensors);
  });

  it('refuses what is no checkpoint, whatever its header says', async () => {
    const fileOf = (header: string): Uint8Array => {
      const bytes = Buffer.alloc(8 + header.length + 8);
      bytes.writeBigUInt64LE(BigInt(header.length));
      bytes.write(header, 8);
      return bytes;
    };
    const tensor = (entry: object): Uint8Array => fileOf(JSON.stringify({ a: entry }));
    for (const [file, message] of [
      [fileOf('{}'), /SHA-256/],
      [fileOf('[1]'), /object for each tensor/],
      [fileOf('{"a":'), /JSON/],
      [tensor({ dtype: 'F64', shape: [1], data_offsets: [0, 8] }), /type among .* 'a', got F64/],
      [tensor({ dtype: 'F32', shape: [3], data_offsets: [0, 12] }), /12 bytes of 'a'/],
      [tensor({ dtype: 'F32', shape: [-1], data_offsets: [0, 4] }), /shape and two offsets/],
      [tensor({ dtype: 'F32', shape: [1], data_offsets: [4, 0] }), /4 bytes of 'a'/],
    ] as const) {
      if (String(message) !== '/SHA-256/') expect(() => decodeTensors(file, 'f')).toThrow(message);
      await expect(decodeCheckpoint(file)).rejects.toMatchObject({ code: 'checkpoint.format' });
    }
    await expect(
      encodeCheckpoint({ ...example, state: { __metadata__: example.state['none']! } }),
    ).rejects.toMatchObject({
      code: 'input.shape',
    });
  });

  it('detects any flipped byte and any truncation', async () => {
    const bytes = await encodeCheckpoint(example);
    for (let at = 0; at < bytes.length; at += 7) {
      const flipped = bytes.slice();
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      await expect(decodeCheckpoint(flipped, 'c.ckpt')).rejects.toMatchObject({ code: 'checkpoint.format' });
    }
    for (const length of [0, 5, 20, 100, bytes.length - 1])
      await expect(decodeCheckpoint(bytes.slice(0, length))).rejects.toMatchObject({ code: 'checkpoint.format' });
  });

  it('lists changes of the environment', () => {
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

describe('the head of a checkpoint whose digest is right', () => {
  /** A file with other fields, signed as docs/checkpoints.md says. */
  async function signed(checkpoint: string): Promise<Uint8Array> {
    const bytes = Buffer.from(await encodeCheckpoint(example));
    const end = 8 + Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString('utf8', 8, end)) as { __metadata__: Record<string, string> };
    Object.assign(header.__metadata__, { checkpoint, sha256: '0'.repeat(64) });
    const text = Buffer.from(JSON.stringify(header));
    const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')]);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(padded.length));
    const file = Buffer.concat([length, padded, bytes.subarray(end)]);
    file.write(createHash('sha256').update(file).digest('hex'), file.indexOf('0'.repeat(64)));
    return file;
  }
  const { state: _, ...head } = example;

  it('is read as it is, with fields of later releases', async () => {
    const { state: _, ...found } = await decodeCheckpoint(await signed(JSON.stringify({ ...head, later: 1 })));
    expect(found).toEqual({ ...head, later: 1 });
  });

  it.each([
    ['step', -3],
    ['step', '6'],
    ['step', 1e300],
    ['step', 0.5],
    ['seconds', null],
    ['system', 7],
    ['environment', null],
    ['environment', { threads: 2 }],
    ['schedules', 5],
    ['rollbacks', 'x'],
  ])('is refused with the %s %j', async (field, value) => {
    await expect(
      decodeCheckpoint(await signed(JSON.stringify({ ...head, [field]: value })), 'c'),
    ).rejects.toMatchObject({
      code: 'checkpoint.format',
      message: expect.stringMatching(new RegExp(`^c: checkpoint\\.${field}.*: expected`)),
    });
  });

  it.each(['', 'null', '[]', '{'])('is refused as %j', async (text) => {
    await expect(decodeCheckpoint(await signed(text), 'c')).rejects.toMatchObject({
      code: 'checkpoint.format',
      message: expect.stringMatching(/^c: checkpoint(\.step)?: expected/),
    });
  });
});
