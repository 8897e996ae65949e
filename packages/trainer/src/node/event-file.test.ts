// TensorBoard's event file: the checksum by RFC 3720's vectors, records read back by protobuf's own reader. The real
// `tensorboard` reads one in tests/full/tensorboard.test.ts.
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crc32c, EventFile } from './event-file.js';

describe('crc32c', () => {
  it.each([
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(255), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    [new TextEncoder().encode('123456789'), 0xe3069283],
  ])('of %o', (bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });
});

describe('an event file', () => {
  it('is a sequence of records that begins with the version', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'forja-events-'));
    try {
      const file = new EventFile(folder, 5000);
      await file.write({ step: 7, scalars: { 'scalars/loss_d': 0.5 } }, 1000);
      await file.write({ step: 300, scalars: { a: 1, b: -2 } }, 2000);
      const [name = ''] = await readdir(folder);
      expect(name).toMatch(/^events\.out\.tfevents\.5\./);
      const bytes = await readFile(join(folder, name));
      const records: Buffer[] = [];
      for (let at = 0; at < bytes.length;) {
        const length = Number(bytes.readBigUInt64LE(at));
        records.push(bytes.subarray(at + 12, at + 12 + length));
        at += 16 + length;
      }
      expect(records).toHaveLength(4);
      expect(records[0]?.subarray(9).toString('latin1')).toBe('\x1a\x0dbrain.Event:2');
      expect(records[0]?.readDoubleLE(1)).toBe(1);
      expect(records[1]?.subarray(9)).toEqual(Buffer.from([0x10, 7, 0x3a, 2, 0x08, 1])); // step 7, session start
      const tag = Buffer.from('scalars/loss_d');
      const value = Buffer.from([0x0a, tag.length, ...tag, 0x15, 0, 0, 0, 0x3f]); // 0.5
      expect(records[2]?.subarray(9)).toEqual(
        Buffer.from([0x10, 7, 0x2a, value.length + 2, 0x0a, value.length, ...value]),
      );
      expect(records[3]?.subarray(9, 12)).toEqual(Buffer.from([0x10, 0xac, 0x02])); // 300
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
