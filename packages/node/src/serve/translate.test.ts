// /v1/translate: a PNG in, the model's PNG out, and bodies that are refused before any work is done.
import { crc32 } from 'node:zlib';
import { Image } from '@forja/core';
import { decode } from 'fast-png';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inverted, inverter } from '../inverter.support.js';
import { smallGenerator } from '../../vitest.support.js';
import { serve, type Service } from './service.js';

let service: Service;
beforeAll(async () => {
  const models = { invert: await inverter(), drawn: smallGenerator() };
  service = serve({ models, load: { device: 'cpu', threads: 1 }, limits: { pixels: 16 * 30 * 20 } });
  await service.ready;
});
afterAll(() => service.close());

const picture = (width: number, height: number): Image =>
  new Image(
    width,
    height,
    3,
    Uint8ClampedArray.from({ length: width * height * 3 }, (_, i) => (i * 37) % 256),
  );

const post = (query: string, body: Uint8Array | string, type = 'image/png'): Promise<Response> =>
  service.fetch(
    new Request(`http://localhost/v1/translate?${query}`, {
      method: 'POST',
      body: Buffer.from(body),
      headers: { 'content-type': type },
    }),
  );

test.each(['model=invert', 'model=invert&tile=8', 'model=invert&tile=16&overlap=4'])('%s', async (query) => {
  const given = picture(30, 20);
  const answer = await post(query, await given.toPNG());
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png']);
  const { width, height, channels, data } = decode(await answer.arrayBuffer());
  expect([width, height, channels, Array.from(data)]).toEqual([60, 40, 3, inverted(given)]);
});

/** A PNG's beginning that says a size, without its pixels. */
function claimed(width: number, height: number): Uint8Array {
  const bytes = Buffer.alloc(64);
  bytes.write('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1');
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

/** The PNG with another height in its header, so that rows are missing. */
function short(png: Uint8Array): Uint8Array {
  const bytes = Buffer.from(png);
  bytes.writeUInt32BE(bytes.readUInt32BE(20) + 1, 20);
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  return bytes;
}

test('refuses other bodies, queries and models', async () => {
  const png = await picture(4, 4).toPNG();
  const cases: [Promise<Response>, number, string][] = [
    [post('model=invert', 'no picture'), 415, 'request.mediaType'],
    [post('model=invert', new Uint8Array(0)), 415, 'request.mediaType'],
    [post('model=invert', png, 'image/jpeg'), 415, 'request.mediaType'],
    [post('model=invert', png.subarray(0, 50)), 400, 'usage'],
    [post('model=invert', claimed(2 ** 31, 2 ** 31)), 413, 'request.tooLarge'],
    [post('model=invert', claimed(31, 20)), 413, 'request.tooLarge'],
    [post('model=invert', claimed(30, 20)), 400, 'usage'],
    [post('model=invert', short(png)), 400, 'usage'],
    [post('model=invert&tile=7', png), 400, 'usage'],
    [post('model=invert&overlap=4', png), 400, 'usage'],
    [post('model=invert&size=4', png), 400, 'usage'],
    [post('model=invert&model=drawn', png), 400, 'usage'],
    [post('model=drawn', png), 400, 'model.notGenerator'],
    [post('model=other', png), 404, 'request.notFound'],
  ];
  for (const [answer, status, code] of cases) {
    const response = await answer;
    expect([response.status, await response.json()]).toMatchObject([status, { error: { code } }]);
  }
  const get = await service.fetch(new Request('http://localhost/v1/translate?model=invert'));
  expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
});
