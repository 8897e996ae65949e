// Texts through the service: by query, by JSON, and as BYTES of the Open Inference Protocol; refused by name.
import { createHash } from 'node:crypto';
import { latents } from '@forja/core';
import { decode } from 'fast-png';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { textModel } from '../text-model.support.js';
import { serve, type Service } from './service.js';

const SIZE = 8;
const pixelsOf = (z: Float32Array, shift: number): number[] =>
  [...z].map((x) => Math.floor(Math.tanh(x + shift) * 127.5 + 128));

let service: Service;
beforeAll(async () => {
  const told = await textModel((bytes) => Promise.resolve(createHash('sha256').update(bytes).digest('hex')));
  service = serve({ models: { told }, load: { device: 'cpu', threads: 1 } });
  await service.ready;
});
afterAll(() => service.close());

const ask = (path: string, body?: unknown): Promise<Response> =>
  service.fetch(
    new Request(
      `http://localhost${path}`,
      body === undefined
        ? {}
        : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
    ),
  );
const pixels = async (answer: Promise<Response>): Promise<number[]> => [
  ...decode(await (await answer).arrayBuffer()).data,
];
const refusal = async (answer: Promise<Response>): Promise<unknown> => {
  const response = await answer;
  return [response.status, await response.json()];
};

test('pictures of a text by query, of a list of texts by JSON', async () => {
  expect(await pixels(ask('/v1/images?seed=7&text=Much+lighter'))).toEqual(pixelsOf(latents(7, 0, 1, SIZE), 1.5));
  const [first, second] = [pixelsOf(latents(7, 0, 1, SIZE), 1), pixelsOf(latents(7, 1, 1, SIZE), -2)];
  expect(await pixels(ask('/v1/images', { seed: 7, count: 2, columns: 1, text: ['lighter', 'darker'] }))).toEqual([
    ...first,
    ...second,
  ]);
});

test('an unknown word is refused by name', async () => {
  expect(await refusal(ask('/v1/images?text=ligther+fox'))).toEqual([
    400,
    {
      error: {
        code: 'input.range',
        message:
          "sample.text: expected words that the model knows (lighter, darker, much), got 'ligther' (did you mean 'lighter'?), 'fox'",
      },
    },
  ]);
  expect(await refusal(ask('/v1/images'))).toMatchObject([400, { error: { code: 'usage' } }]);
});

test('the page has a field for the text', async () => {
  expect(await (await ask('/')).text()).toContain('<input name="text" value="lighter" />');
});

test('inference takes texts as BYTES, and token ids', async () => {
  const z = latents(1, 0, 2, SIZE);
  const latent = { name: 'latent', shape: [2, SIZE], datatype: 'FP32', data: [...z] };
  const infer = (text: object): Promise<Response> => ask('/v2/models/told/infer', { inputs: [latent, text] });
  const data = async (text: object): Promise<number[]> =>
    ((await (await infer(text)).json()) as { outputs: [{ data: number[] }] }).outputs[0].data;
  const expected = [...z].map((x, i) => Math.tanh(x + (i < SIZE ? 1.5 : -2)));
  for (const text of [
    { name: 'text', shape: [2], datatype: 'BYTES', data: ['much lighter', 'darker'] },
    { name: 'text', shape: [2, 1], datatype: 'BYTES', data: [['much lighter'], ['darker']] },
    { name: 'text', shape: [2, 3], datatype: 'INT32', data: [3, 1, 0, 2, 0, 0] },
  ])
    expect(await data(text)).toBeAllclose(expected, { rtol: 1e-5, atol: 1e-6 });
  expect(await refusal(infer({ name: 'text', shape: [2], datatype: 'BYTES', data: ['much', 'fox'] }))).toMatchObject([
    400,
    { error: expect.stringMatching(/^infer\.inputs\.1\.data: .*'fox'$/) as string, code: 'input.range' },
  ]);
  expect(await refusal(infer({ name: 'text', shape: [3], datatype: 'BYTES', data: ['much'] }))).toMatchObject([
    400,
    { code: 'input.shape' },
  ]);
});
