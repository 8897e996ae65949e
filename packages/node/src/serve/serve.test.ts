// The service as a handler: Request in, Response out. Numbers are computed by hand, PNGs decoded by fast-png, protocol
// messages validated against the published OpenAPI, and queueing and shutdown tested with a session that waits for
// permission to run.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { latents, type DeviceReport, type Generator, type Manifest } from '@forja/core';
import { encodeModel, GraphBuilder, sealModel } from '@forja/core/onnx';
import { Ajv } from 'ajv';
import { decode } from 'fast-png';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { classModel, pixelsOf, SIZE } from '../class-model.support.js';
import { serve, type Service, type ServeOptions } from '../serve.js';
import { STATUS } from './errors.js';
import { Gate } from './gate.support.js';
import { imagesRequest } from './images.js';
import { limitsOf } from './limits.js';
import { encodePng } from './png.js';

const HOST = 'http://localhost';
const sha256 = (bytes: Uint8Array): Promise<string> =>
  Promise.resolve(createHash('sha256').update(bytes).digest('hex'));

const tiny = (): Promise<Uint8Array> =>
  classModel(sha256, ['plain', '<b>"lighter"</b>'], { trainedOn: '<img src=x onerror=alert(1)>' });

/** One input and output of each type that models have: y = x. */
async function echo(): Promise<Uint8Array> {
  const g = new GraphBuilder({ name: 'echo' });
  const inputs: Manifest['inputs'] = [];
  const outputs: Manifest['outputs'] = [];
  for (const dtype of ['float32', 'float16', 'int32', 'int64', 'uint8', 'int8', 'bool'] as const) {
    g.output(`${dtype}_out`, g.op('Identity', [g.input(dtype, dtype, ['n'])]));
    inputs.push({ name: dtype, role: 'tensor', dtype, shape: ['n'] });
    outputs.push({ name: `${dtype}_out`, role: 'tensor', dtype, shape: ['n'] });
  }
  return sealModel(g.build(), { version: 1, kind: 'function', inputs, outputs, producer: 'test' }, sha256);
}

let service: Service;
beforeAll(async () => {
  service = serve({ models: { tiny: await tiny(), echo: await echo() }, load: { device: 'cpu', threads: 1 } });
  await service.ready;
});
afterAll(() => service.close());

/**
 * Waits as many turns of the event loop as requests need to get as far as they can. Turns, not milliseconds, because a
 * busy machine takes longer.
 */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise(setImmediate);
}

const ask = (path: string, init?: RequestInit): Promise<Response> => service.fetch(new Request(`${HOST}${path}`, init));
const post = (
  path: string,
  body: unknown,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Promise<Response> =>
  ask(path, {
    method: 'POST',
    body: body instanceof Uint8Array ? new Uint8Array(body) : typeof body === 'string' ? body : JSON.stringify(body),
    headers,
  });

/** Status and code of an error response. */
async function refusal(answer: Promise<Response>): Promise<[number, string]> {
  const response = await answer;
  expect(response.headers.get('content-type')).toBe('application/json');
  const { error, code } = (await response.json()) as {
    error: string | { code: string; message: string };
    code?: string;
  };
  return [response.status, typeof error === 'string' ? code! : error.code];
}

async function pngOf(answer: Promise<Response>): Promise<{ width: number; height: number; pixels: number[] }> {
  const response = await answer;
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
  const { width, height, data } = decode(await response.arrayBuffer());
  return { width, height, pixels: [...data] };
}

describe('/v1/images', () => {
  test('gives the pictures of a seed, by query and by JSON', async () => {
    const z = latents(7, 0, 1, SIZE);
    const alone = { width: 4, height: 2, pixels: pixelsOf(z) };
    expect(await pngOf(ask('/v1/images?model=tiny&seed=7&label=0'))).toEqual(alone);
    expect(await pngOf(post('/v1/images', { model: 'tiny', seed: 7, label: 'plain' }))).toEqual(alone);
    expect(await pngOf(post('/v1/images', { model: 'tiny', seed: 7, label: '<b>"lighter"</b>' }))).toEqual({
      ...alone,
      pixels: pixelsOf(z, 1),
    });
    expect(await pngOf(ask(`/v1/images?model=tiny&seed=${2n ** 64n - 1n}&label=0&columns=`))).toEqual({
      ...alone,
      pixels: pixelsOf(latents(2n ** 64n - 1n, 0, 1, SIZE)),
    });
    expect(await pngOf(ask('/v1/images?model=tiny&seed=7&label=0&truncation=psi:0.5'))).toEqual({
      ...alone,
      pixels: pixelsOf(z.map((x) => x / 2)),
    });
    expect(await pngOf(post('/v1/images', { model: 'tiny', seed: '7', label: 0, truncation: { psi: 0.5 } }))).toEqual({
      ...alone,
      pixels: pixelsOf(z.map((x) => x / 2)),
    });
    expect(await pngOf(ask('/v1/images?model=tiny&seed=7&label=0&truncation=0.4'))).toEqual({
      ...alone,
      pixels: pixelsOf(latents(7, 0, 1, SIZE, { truncation: 0.4 })),
    });
  });

  test('puts several in a grid', async () => {
    const z = latents(3, 0, 3, SIZE);
    const { width, height, pixels } = await pngOf(
      ask('/v1/images?model=tiny&seed=3&count=3&label=0&columns=3&padding=1'),
    );
    expect([width, height]).toEqual([14, 2]);
    for (const i of [0, 1, 2])
      expect(pixels.slice(i * 5, i * 5 + 4)).toEqual(pixelsOf(z.subarray(i * SIZE, i * SIZE + 4)));
    expect(await pngOf(ask('/v1/images?model=tiny&count=4'))).toMatchObject({ width: 8, height: 4 });
  });

  test.each<[string, number, string]>([
    ['?model=tiny&count=65', 400, 'usage'],
    ['?model=tiny&count=1e9', 400, 'usage'],
    ['?model=tiny&count=99999999999999999999', 400, 'usage'],
    ['?model=tiny&count=0', 400, 'usage'],
    ['?model=tiny&count=-1', 400, 'usage'],
    ['?model=tiny&count=1.5', 400, 'usage'],
    ['?model=tiny&count=2&count=3', 400, 'usage'],
    ['?model=tiny&seed=-1', 400, 'input.range'],
    ['?model=tiny&seed=18446744073709551616', 400, 'input.range'],
    ['?model=tiny&label=2', 400, 'input.range'],
    ['?model=tiny&label=none', 400, 'input.range'],
    ['?model=tiny&truncation=0', 400, 'input.range'],
    ['?model=tiny&truncation=x', 400, 'usage'],
    ['?model=tiny&noise=x', 400, 'usage'],
    ['?model=tiny&noise=none', 400, 'usage'], // it takes none
    ['?model=tiny&padding=1000000', 400, 'usage'],
    ['?model=tiny&other=1', 400, 'usage'],
    ['?model=echo', 400, 'model.notGenerator'],
    ['', 400, 'usage'],
    ['?model=other', 404, 'request.notFound'],
    ['?model=../tiny', 404, 'request.notFound'],
    ['?model=/etc/passwd', 404, 'request.notFound'],
    ['?model=http://example.org/a.onnx', 404, 'request.notFound'],
    ['?model=__proto__', 404, 'request.notFound'],
    [`?model=${'x'.repeat(300)}`, 400, 'usage'],
  ])('refuses %s with %i', async (query, status, code) => {
    expect(await refusal(ask(`/v1/images${query}`))).toEqual([status, code]);
  });

  test('refuses invalid bodies', async () => {
    expect(await refusal(post('/v1/images', '{'))).toEqual([400, 'usage']);
    expect(await refusal(post('/v1/images', '[]'))).toEqual([400, 'usage']);
    // a service with one model needs no name of it
    for (const list of [[], [{ seed: 7 }]]) expect(() => imagesRequest(list, limitsOf())).toRefuse('usage', 'images');
    // JSON.parse makes 2^53 of it, whose picture is another one
    for (const field of ['seed', 'truncation', 'label'])
      expect(await refusal(post('/v1/images', `{"model":"tiny","label":0,"${field}":9007199254740993}`))).toEqual([
        400,
        'usage',
      ]);
    expect(await refusal(post('/v1/images', { model: 'tiny' }, { 'content-type': 'text/plain' }))).toEqual([
      415,
      'request.mediaType',
    ]);
    expect(
      await refusal(
        post('/v1/images', { model: 'tiny' }, { 'content-type': 'application/json', 'content-encoding': 'gzip' }),
      ),
    ).toEqual([415, 'request.mediaType']);
    expect(await refusal(post('/v1/images', ' '.repeat(70_000)))).toEqual([413, 'request.tooLarge']);
    expect(await refusal(ask('/v1/images?model=tiny', { method: 'DELETE' }))).toEqual([405, 'request.method']);
    expect(await refusal(ask('/v1/image'))).toEqual([404, 'request.notFound']);
  });

  test.each([1, 3, 4] as const)('fast-png decodes its PNG of %i channels', async (channels) => {
    const data = Uint8ClampedArray.from({ length: 5 * 3 * channels }, (_, i) => (i * 37) % 256);
    const read = decode(await encodePng({ width: 5, height: 3, channels, data }));
    expect([read.width, read.height, read.channels, read.depth, [...read.data]]).toEqual([
      5,
      3,
      channels,
      8,
      [...data],
    ]);
  });
});

describe('Open Inference Protocol', () => {
  interface Shape {
    paths: Record<
      string,
      Record<string, { responses: Record<string, { content?: { 'application/json': { schema: { $ref: string } } } }> }>
    >;
    components: { schemas: Record<string, object> };
  }
  // MLServer's OpenAPI of the protocol (tests/vectors/README.md). Its TensorData may also have a type "bytes", which
  // neither JSON schema nor JSON has.
  const api = JSON.parse(
    readFileSync(new URL('../../../../tests/vectors/oip/dataplane.json', import.meta.url), 'utf8').replace(
      '"type": "bytes"',
      '"type": "null"',
    ),
  ) as Shape;
  const ajv = new Ajv({ strict: false }).addSchema({ ...api, $id: 'api' });
  const routes = [
    '/v2',
    '/v2/health/live',
    '/v2/health/ready',
    ...['', '/versions/{model_version}'].flatMap((version) =>
      ['', '/ready', '/infer'].map((end) => `/v2/models/{model_name}${version}${end}`),
    ),
  ];

  /** Calls a published path, and validates the answer against the path's schema for its status. */
  async function call(
    path: string,
    { model = 'tiny', version = '1', body }: { model?: string; version?: string; body?: unknown } = {},
  ): Promise<{ status: number; answer: Record<string, unknown> }> {
    const [method, { responses }] = Object.entries(api.paths[path]!).find(([key]) => key !== 'parameters')!;
    const at = path.replace('{model_name}', model).replace('{model_version}', version);
    const response = await (method === 'post' ? post(at, body) : ask(at));
    const answer = (await response.json()) as Record<string, unknown>;
    const schema = responses[response.status]?.content?.['application/json'].schema.$ref;
    if (response.status !== 200 || schema) {
      const validate = ajv.getSchema(`api${schema ?? '#/components/schemas/InferenceErrorResponse'}`)!;
      expect(validate(answer), `${at}: ${JSON.stringify(answer)} ${JSON.stringify(validate.errors)}`).toBe(true);
    }
    return { status: response.status, answer };
  }

  const z = latents(1, 0, 2, SIZE);
  const infer = {
    id: 'a "1"',
    inputs: [
      { name: 'latent', shape: [2, SIZE], datatype: 'FP32', data: [...z] },
      { name: 'label', shape: [2], datatype: 'INT64', data: [0, 1] },
    ],
  };

  test.each(routes)('%s answers as published', async (path) => {
    if (path.endsWith('infer')) expect(ajv.validate('api#/components/schemas/InferenceRequest', infer)).toBe(true);
    const { status, answer } = await call(path, { body: infer });
    expect(status).toBe(200);
    if (!path.endsWith('infer')) return;
    expect(answer).toMatchObject({
      id: 'a "1"',
      model_name: 'tiny',
      model_version: '1',
      outputs: [{ name: 'image', datatype: 'FP32', shape: [2, 1, 2, 4] }],
    });
    const [{ data }] = answer['outputs'] as [{ data: number[] }];
    expect(data).toBeAllclose(
      [...z].map((x, i) => Math.tanh(x + Math.floor(i / SIZE))),
      { rtol: 1e-5, atol: 1e-6 },
    );
  });

  test('metadata describes the model, with dynamic sizes as -1', async () => {
    expect((await call('/v2/models/{model_name}')).answer).toEqual({
      name: 'tiny',
      versions: ['1'],
      platform: 'onnx_onnxv1',
      inputs: [
        { name: 'latent', datatype: 'FP32', shape: [-1, SIZE] },
        { name: 'label', datatype: 'INT64', shape: [-1] },
      ],
      outputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 1, 2, 4] }],
    });
  });

  test('accepts nested data, and returns the requested outputs', async () => {
    const nested = {
      ...infer,
      inputs: [{ ...infer.inputs[0], data: [[...z.subarray(0, SIZE)], [...z.subarray(SIZE)]] }, infer.inputs[1]],
      outputs: [{ name: 'image' }],
    };
    const flat = await call('/v2/models/{model_name}/infer', { body: infer });
    expect((await call('/v2/models/{model_name}/infer', { body: nested })).answer).toEqual(flat.answer);
  });

  const types: [datatype: string, name: string, values: unknown[], bytes: Uint8Array][] = [
    [
      'FP32',
      'float32',
      [0, -1.5, 3.4028234663852886e38],
      new Uint8Array(Float32Array.of(0, -1.5, 3.4028234663852886e38).buffer),
    ],
    ['FP16', 'float16', [], new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x7bff).buffer)],
    ['INT32', 'int32', [0, -(2 ** 31), 2 ** 31 - 1], new Uint8Array(Int32Array.of(0, -(2 ** 31), 2 ** 31 - 1).buffer)],
    [
      'INT64',
      'int64',
      [0, -1, Number.MAX_SAFE_INTEGER],
      new Uint8Array(BigInt64Array.of(0n, -1n, 2n ** 53n - 1n).buffer),
    ],
    ['UINT8', 'uint8', [0, 128, 255], Uint8Array.of(0, 128, 255)],
    ['INT8', 'int8', [0, -128, 127], new Uint8Array(Int8Array.of(0, -128, 127).buffer)],
    ['BOOL', 'bool', [false, true, true], Uint8Array.of(0, 1, 1)],
  ];

  /** The binary form of a request: JSON, then the bytes of the inputs in order. */
  function binary(request: object, ...tensors: Uint8Array[]): [Uint8Array, Record<string, string>] {
    const json = Buffer.from(JSON.stringify(request));
    return [
      Buffer.concat([json, ...tensors]),
      { 'inference-header-content-length': String(json.length), 'content-type': 'application/octet-stream' },
    ];
  }

  test('transfers every type, as JSON and as bytes', async () => {
    const asBytes = {
      inputs: types.map(([datatype, name, , bytes]) => ({
        name,
        datatype,
        shape: [3],
        parameters: { binary_data_size: bytes.length },
      })),
    };
    const outputs = types.map(([, name, values]) => ({
      name: `${name}_out`,
      parameters: { binary_data: values.length === 0 },
    }));
    const asJson = {
      inputs: types.map(([datatype, name, values, bytes]) => ({
        name,
        datatype,
        shape: [3],
        ...(values.length > 0 ? { data: values } : { parameters: { binary_data_size: bytes.length } }),
      })),
    };
    for (const [request, tensors] of [
      [asBytes, types.map(([, , , bytes]) => bytes)],
      [asJson, [types[1]![3]]],
    ] as const) {
      const response = await post('/v2/models/echo/infer', ...binary({ ...request, outputs }, ...tensors));
      const body = Buffer.from(await response.arrayBuffer());
      const split = Number(response.headers.get('inference-header-content-length'));
      const answer = JSON.parse(body.subarray(0, split).toString()) as {
        outputs: { name: string; datatype: string; data?: unknown[]; parameters?: object }[];
      };
      expect(answer.outputs.map(({ name, datatype, data }) => [datatype, name, data ?? []])).toEqual(
        types.map(([datatype, name, values]) => [datatype, `${name}_out`, values]),
      );
      expect(answer.outputs[1]!.parameters).toEqual({ binary_data_size: 6 });
      expect(new Uint8Array(body.subarray(split))).toEqual(types[1]![3]);
    }
    const all = await post(
      '/v2/models/echo/infer',
      ...binary({ ...asBytes, parameters: { binary_data_output: true } }, ...types.map(([, , , bytes]) => bytes)),
    );
    const body = new Uint8Array(await all.arrayBuffer());
    expect(body.subarray(Number(all.headers.get('inference-header-content-length')))).toEqual(
      new Uint8Array(Buffer.concat(types.map(([, , , bytes]) => bytes))),
    );
  });

  test('numbers that JSON cannot represent are refused as JSON, and sent as bytes', async () => {
    const input = Buffer.from(Float32Array.of(NaN, Infinity, 0).buffer);
    const rest = types.slice(1);
    const request = {
      inputs: [
        { name: 'float32', datatype: 'FP32', shape: [3], parameters: { binary_data_size: 12 } },
        ...rest.map(([datatype, name, , bytes]) => ({
          name,
          datatype,
          shape: [3],
          parameters: { binary_data_size: bytes.length },
        })),
      ],
    };
    const tensors = [input, ...rest.map(([, , , bytes]) => bytes)];
    expect(
      await refusal(
        post('/v2/models/echo/infer', ...binary({ ...request, outputs: [{ name: 'float32_out' }] }, ...tensors)),
      ),
    ).toEqual([406, 'request.acceptable']);
    expect(
      await refusal(
        post('/v2/models/echo/infer', ...binary({ ...request, outputs: [{ name: 'float16_out' }] }, ...tensors)),
      ),
    ).toEqual([406, 'request.acceptable']);
    expect(
      (
        await post(
          '/v2/models/echo/infer',
          ...binary({ ...request, outputs: [{ name: 'float32_out', parameters: { binary_data: true } }] }, ...tensors),
        )
      ).status,
    ).toBe(200);
  });

  test('a large answer is streamed in pieces', async () => {
    const rows = 60;
    const g = new GraphBuilder({ name: 'wide' });
    g.output('y', g.op('Expand', [g.input('x', 'float32', ['n', 1]), g.constant('int64', [2], [1, 1000])]));
    const { encodeModel } = await import('@forja/core/onnx');
    const wide = serve({ models: { wide: encodeModel(g.build()) }, load: { device: 'cpu', threads: 1 } });
    await wide.ready;
    const request = {
      inputs: [{ name: 'x', shape: [rows, 1], datatype: 'FP32', data: Array.from({ length: rows }, (_, i) => i) }],
    };
    const answer = await wide.fetch(
      new Request(`${HOST}/v2/models/wide/infer`, {
        method: 'POST',
        body: JSON.stringify(request),
        headers: { 'content-type': 'application/json' },
      }),
    );
    expect(wide.stats()).toEqual({ accepted: 1, answered: 0, aborted: 0 }); // not finished before its body is
    const { outputs } = (await answer.json()) as { outputs: [{ data: number[]; shape: number[] }] };
    expect(outputs[0].shape).toEqual([rows, 1000]);
    expect(outputs[0].data).toEqual(Array.from({ length: rows * 1000 }, (_, i) => Math.floor(i / 1000)));
    expect(wide.stats()).toEqual({ accepted: 1, answered: 1, aborted: 0 });
    await wide.close();
  });

  const input = infer.inputs[0]!;
  const label = infer.inputs[1]!;
  const rows = (n: number): object => ({
    inputs: [
      { ...input, shape: [n, SIZE], data: new Array(n * SIZE).fill(0) },
      { ...label, shape: [n], data: new Array(n).fill(0) },
    ],
  });
  test.each<[string, unknown, number, string]>([
    ['no JSON', '{"inputs":', 400, 'usage'],
    ['no inputs', {}, 400, 'usage'],
    ['an input that is not there', { inputs: [input] }, 400, 'input.shape'],
    ['an input that the model has not', { inputs: [input, label, { ...label, name: 'other' }] }, 400, 'input.shape'],
    [
      'an input called __proto__',
      '{"inputs":[{"name":"__proto__","shape":[1],"datatype":"FP32","data":[1]}]}',
      400,
      'input.shape',
    ],
    ['an input twice', { inputs: [input, label, label] }, 400, 'usage'],
    ['another type', { inputs: [input, { ...label, datatype: 'INT32' }] }, 400, 'input.shape'],
    ['a type that is unknown', { inputs: [{ ...input, datatype: 'BYTES' }, label] }, 400, 'input.shape'],
    ['another shape', { inputs: [{ ...input, shape: [SIZE, 2] }, label] }, 400, 'input.shape'],
    ['sizes that disagree', { inputs: [input, { ...label, shape: [1], data: [0] }] }, 400, 'input.shape'],
    ['too few numbers', { inputs: [{ ...input, data: [1, 2] }, label] }, 400, 'input.shape'],
    ['too many numbers', { inputs: [{ ...input, data: [...z, 1] }, label] }, 400, 'input.shape'],
    ['no data', { inputs: [{ ...input, data: undefined }, label] }, 400, 'usage'],
    ['data that are not numbers', { inputs: [{ ...input, data: [...z.subarray(1), '1'] }, label] }, 400, 'input.range'],
    ['null among the numbers', { inputs: [{ ...input, data: [...z.subarray(1), null] }, label] }, 400, 'input.range'],
    ['a fraction for an integer', { inputs: [input, { ...label, data: [0, 0.5] }] }, 400, 'input.range'],
    ['a negative size', { inputs: [{ ...input, shape: [-2, SIZE] }, label] }, 400, 'usage'],
    ['a size beyond all', { inputs: [{ ...input, shape: [2 ** 60, SIZE] }, label] }, 400, 'usage'],
    [
      'sizes whose product is beyond all',
      { inputs: [{ ...input, name: 'x', shape: new Array(16).fill(2 ** 31) }] },
      400,
      'input.shape',
    ],
    ['more rows than allowed', rows(65), 400, 'input.range'],
    ['an output that the model has not', { ...infer, outputs: [{ name: 'other' }] }, 400, 'usage'],
    [
      'bytes that are not there',
      { inputs: [{ ...input, data: undefined, parameters: { binary_data_size: 64 } }, label] },
      400,
      'input.shape',
    ],
    [
      'a number beyond float32',
      JSON.stringify({ inputs: [{ ...input, data: input.data.map((v, i) => (i === 0 ? 1e39 : v)) }, label] }),
      400,
      'input.range',
    ],
    [
      'a list nested a hundred thousand deep',
      `{"inputs":[{"name":"latent","shape":[1],"datatype":"FP32","data":${'['.repeat(100_000)}${']'.repeat(100_000)}}]}`,
      400,
      '',
    ],
  ])('refuses %s', async (_, body, status, code) => {
    const [got, said] = await refusal(post('/v2/models/tiny/infer', body));
    expect(got).toBe(status);
    if (code !== '') expect(said).toBe(code); // JSON.parse itself may refuse it first
  });

  test('unknown names and versions are not found', async () => {
    expect((await call('/v2/models/{model_name}', { model: 'other' })).status).toBe(404);
    expect(
      (await call('/v2/models/{model_name}/versions/{model_version}/infer', { version: '2', body: infer })).status,
    ).toBe(404);
    for (const name of [
      '..%2f..%2fetc%2fpasswd',
      '%2e%2e%2ftiny',
      '__proto__',
      'constructor',
      '%00',
      'tiny%2fready',
      'C:%5Cmodel.onnx',
      'https:%2f%2fexample.org%2fa.onnx',
      '%ff',
    ]) {
      expect([name, ...(await refusal(ask(`/v2/models/${name}`)))]).toEqual([name, 404, 'request.notFound']);
    }
    expect(await refusal(ask('/v2/models/tiny/infer'))).toEqual([405, 'request.method']);
    expect(
      await refusal(post('/v2/models/tiny/infer', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' })),
    ).toEqual([415, 'request.mediaType']);
    expect(
      await refusal(
        post('/v2/models/tiny/infer', infer, {
          'inference-header-content-length': '-1',
          'content-type': 'application/json',
        }),
      ),
    ).toEqual([400, 'usage']);
  });

  test('64 rows are accepted', async () => {
    expect((await post('/v2/models/tiny/infer', rows(64))).status).toBe(200);
  });
});

test('concurrent inference requests each get their own results', async () => {
  const infer = (seed: number, rows: number, more: object = {}): Promise<Response> =>
    post('/v2/models/tiny/infer', {
      inputs: [
        { name: 'latent', shape: [rows, SIZE], datatype: 'FP32', data: [...latents(seed, 0, rows, SIZE)] },
        { name: 'label', shape: [rows], datatype: 'INT64', data: new Array(rows).fill(seed % 2) },
      ],
      ...more,
    });
  const rowsOf = (seed: number): number => 1 + (seed % 5);
  const [answers, wide, unfit, other] = await Promise.all([
    Promise.all(Array.from({ length: 20 }, (_, seed) => infer(seed, rowsOf(seed)))),
    infer(100, 64),
    post('/v2/models/tiny/infer', {
      inputs: [
        { name: 'latent', shape: [1, SIZE + 1], datatype: 'FP32', data: new Array(SIZE + 1).fill(0) },
        { name: 'label', shape: [1], datatype: 'INT64', data: [0] },
      ],
    }),
    infer(7, 1, { outputs: [{ name: 'nope' }] }),
  ]);
  for (const [seed, response] of answers.entries()) {
    const {
      outputs: [image],
    } = (await response.json()) as { outputs: { shape: number[]; data: number[] }[] };
    expect(image!.shape).toEqual([rowsOf(seed), 1, 2, 4]);
    expect(image!.data).toBeAllclose(
      [...latents(seed, 0, rowsOf(seed), SIZE)].map((x) => Math.tanh(x + (seed % 2))),
      { rtol: 1e-5, atol: 1e-6 },
    );
  }
  expect([wide.status, unfit.status, other.status]).toEqual([200, 400, 400]);
});

test('inference requests that arrive during a run share the next runs, within the maximum of rows', async () => {
  const session = new Gate();
  const own = serve({ models: { gated: session.generator() } });
  const infer = (rows: number): Promise<Response> =>
    own.fetch(
      new Request(`${HOST}/v2/models/gated/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          inputs: [{ name: 'z', shape: [rows, 2], datatype: 'FP32', data: new Array(rows * 2).fill(0) }],
        }),
      }),
    );
  const first = infer(3);
  await settled(); // it is in a run
  const rest = Array.from({ length: 20 }, (_, i) => infer(1 + (i % 5)));
  await settled();
  expect(session.runs).toEqual([3]);
  session.open();
  expect((await Promise.all([first, ...rest])).map(({ status }) => status)).toEqual(new Array(21).fill(200));
  expect(session.runs).toEqual([3, 60]);
  await own.close();
});

test('load.batch holds for inference: a request waits for another, and a full run for none', async () => {
  const own = serve({
    models: { tiny: await tiny() },
    load: { device: 'cpu', threads: 1, warmup: false, batch: { max: 2, delayMs: 60_000 } },
  });
  await own.ready;
  const infer = (seed: number): Promise<Response> =>
    own.fetch(
      new Request(`${HOST}/v2/models/tiny/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          inputs: [
            { name: 'latent', shape: [1, SIZE], datatype: 'FP32', data: [...latents(seed, 0, 1, SIZE)] },
            { name: 'label', shape: [1], datatype: 'INT64', data: [0] },
          ],
        }),
      }),
    );
  const first = infer(1);
  await settled();
  const answers = await Promise.all([first, infer(2)]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  const metrics = await (await own.fetch(new Request(`${HOST}/metrics`))).text();
  expect(metrics).toMatch(/^forja_runs\{model="tiny"\} 1$/m);
  await own.close();
});

test('a client that leaves while it sends its body is no failure of the service', async () => {
  const told: unknown[] = [];
  const own = serve({
    models: { it: await tiny() },
    load: { device: 'cpu', threads: 1 },
    onError: (e) => told.push(e),
  });
  await own.ready;
  for (const [path, type] of [
    ['/v1/images', 'application/json'],
    ['/v2/models/it/infer', 'application/json'],
  ] as const) {
    let sent = 0;
    const body = new ReadableStream({
      pull: (to) => (sent++ === 0 ? to.enqueue(new Uint8Array([123])) : to.error(new Error('aborted'))),
    });
    const request = new Request(`${HOST}${path}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
      duplex: 'half',
    } as RequestInit);
    expect(await refusal(own.fetch(request))).toEqual([499, 'aborted']);
  }
  expect(told).toEqual([]);
  await own.close();
});

test('a function whose first size is not declared a batch gets a run per request', async () => {
  const g = new GraphBuilder();
  // Softmax over rows, so that sharing a run would change the result
  g.output('y', g.op('Softmax', [g.input('x', 'float32', ['n', 2])], { axis: 0 }));
  const own = serve({ models: { rows: encodeModel(g.build()) }, load: { device: 'cpu', threads: 1 } });
  await own.ready;
  const one = (): Promise<Response> =>
    own.fetch(
      new Request('http://localhost/v2/models/rows/infer', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }] }),
      }),
    );
  for (const response of await Promise.all(Array.from({ length: 8 }, one)))
    expect(await response.json()).toMatchObject({ outputs: [{ data: [1, 1] }] });
  await own.close();
});

test('reload: new requests take the new file, running ones the old; one that is damaged changes nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'forja-reload-'));
  const file = join(folder, 'model.onnx');
  /** image = z · factor, 500 products later. */
  const put = (factor: number): void => {
    const g = new GraphBuilder();
    let y = g.op('Mul', [g.input('z', 'float32', ['batch', 4]), g.constant('float32', [1], [factor])]);
    const one = g.constant(
      'float32',
      [4, 4],
      Float32Array.from({ length: 16 }, (_, i) => Number(i % 5 === 0)),
    );
    for (let i = 0; i < 500; i++) y = g.op('MatMul', [y, one]);
    g.output('image', g.op('Reshape', [y, g.constant('int64', [4], [0, 1, 2, 2])]));
    writeFileSync(file, encodeModel(g.build()));
  };
  put(0.25);
  const told: unknown[] = [];
  const own = serve({
    models: { it: file },
    load: { device: 'cpu', threads: 1 },
    limits: { queue: 1000 },
    onError: (error) => told.push(error),
  });
  await own.ready;
  const infer = async (): Promise<number> => {
    const response = await own.fetch(
      new Request(`${HOST}/v2/models/it/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ inputs: [{ name: 'z', shape: [1, 4], datatype: 'FP32', data: [1, 1, 1, 1] }] }),
      }),
    );
    expect(response.status).toBe(200);
    return ((await response.json()) as { outputs: { data: number[] }[] }).outputs[0]!.data[0]!;
  };
  expect(await infer()).toBe(0.25);
  put(0.5);
  const before = Promise.all(Array.from({ length: 20 }, infer));
  const reloading = own.reload();
  let over = false;
  void reloading.then(() => (over = true));
  const meanwhile: number[] = [];
  while (!over) meanwhile.push(await infer());
  expect(new Set(await before)).toEqual(new Set([0.25]));
  expect([...new Set(meanwhile)].every((value) => value === 0.25 || value === 0.5)).toBe(true);
  expect(meanwhile).toEqual([...meanwhile].sort((a, b) => a - b));
  expect(await infer()).toBe(0.5);
  writeFileSync(file, 'no model');
  await expect(own.reload()).rejects.toMatchObject({ code: 'model.format' });
  expect(told).toHaveLength(1);
  expect(await infer()).toBe(0.5);
  await own.close();
  rmSync(folder, { recursive: true, force: true });
});

test('the page escapes text of models, and allows no scripts', async () => {
  const response = await ask('/');
  const page = await response.text();
  expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;');
  expect(page).toContain('&lt;b&gt;&quot;lighter&quot;&lt;/b&gt;');
  expect(page).not.toMatch(/<img|<b>|<script/);
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
});

test('/v1/models lists the models, /metrics counts', async () => {
  const { models } = (await (await ask('/v1/models')).json()) as { models: { name: string; device: DeviceReport }[] };
  expect(models.map(({ name, device }) => [name, device.actual])).toEqual([
    ['tiny', 'cpu'],
    ['echo', 'cpu'],
  ]);
  const value = async (line: string): Promise<number> => {
    const text = await (await ask('/metrics')).text();
    return Number(
      text
        .split('\n')
        .find((one) => one.startsWith(`${line} `))
        ?.split(' ')
        .at(-1),
    );
  };
  const before = await value('forja_images_total{model="tiny"}');
  await ask('/v1/images?model=tiny&count=3');
  expect((await value('forja_images_total{model="tiny"}')) - before).toBe(3);
  expect(await value('forja_model_ready{model="echo"}')).toBe(1);
  expect(await value('forja_requests_inside{model="tiny"}')).toBe(0);
  await ask(`/v2/models/${'x'.repeat(500)}`);
  expect(await (await ask('/metrics')).text()).not.toContain('xxx');
});

describe('queues, limits and closing', () => {
  const made: Service[] = [];
  afterEach(async () => void (await Promise.all(made.splice(0).map((one) => one.close()))));

  function gated(options: Partial<ServeOptions> = {}): {
    session: Gate;
    generator: Generator;
    service: Service;
    draw: (init?: RequestInit) => Promise<Response>;
  } {
    const session = new Gate();
    const generator = session.generator();
    const service = serve({ models: { gated: generator }, ...options });
    made.push(service);
    return { session, generator, service, draw: (init) => service.fetch(new Request(`${HOST}/v1/images`, init)) };
  }
  const turn = settled;

  test('a full queue refuses with 429 and Retry-After, and later accepts again', async () => {
    const { session, service, draw } = gated({ limits: { queue: 3 } });
    const inside = [draw(), draw(), draw()];
    await turn();
    const refused = await draw();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await refused.json()).toMatchObject({ error: { code: 'overloaded' } });
    expect((await service.fetch(new Request(`${HOST}/v2/health/live`))).status).toBe(200);
    session.open();
    expect((await Promise.all(inside)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await draw()).status).toBe(200);
    expect(service.stats()).toEqual({ accepted: 4, answered: 4, aborted: 0 });
    expect(session.runs.reduce((a, b) => a + b)).toBe(4);
  });

  test('the request of a client that disconnects leaves the queue', async () => {
    const { session, service, draw } = gated();
    const first = draw();
    await turn();
    const control = new AbortController();
    const left = draw({ signal: control.signal });
    await turn();
    control.abort();
    expect((await left).status).toBe(499);
    session.open();
    expect((await first).status).toBe(200);
    expect(session.runs).toEqual([1]);
    expect(service.stats()).toEqual({ accepted: 2, answered: 1, aborted: 1 });
  });

  test('closing refuses new work, finishes what was accepted, and keeps the caller’s generator', async () => {
    const { session, service, draw } = gated();
    const accepted = draw();
    await turn();
    service.drain();
    expect((await service.fetch(new Request(`${HOST}/v2/health/ready`))).status).toBe(503);
    expect((await service.fetch(new Request(`${HOST}/v2/models/gated/ready`))).status).toBe(503);
    const late = draw(); // while draining it still answers
    let closed = false;
    const closing = service.close().then(() => (closed = true));
    const refused = await draw();
    expect([
      refused.status,
      refused.headers.get('retry-after'),
      ((await refused.json()) as { error: { code: string } }).error.code,
    ]).toEqual([503, '1', 'server.draining']);
    await turn();
    expect(closed).toBe(false);
    session.open();
    expect([(await accepted).status, (await late).status]).toEqual([200, 200]);
    await closing;
    expect(session.disposed).toBe(0);
  });

  test('an internal failure is reported to the operator, not to the client', async () => {
    const told: unknown[] = [];
    const { session, draw } = gated({ onError: (error) => told.push(error) });
    session.failure = new Error('/secret/path is broken');
    session.open();
    const response = await draw();
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({
      error: { code: 'internal', message: 'the server could not do this; its log says why' },
    });
    expect(told).toEqual([session.failure]);
  });

  test('bodies: declared too long, sent too long, too slow', async () => {
    const { session, service } = gated({ limits: { bodyBytes: 100 } });
    const { service: hasty } = gated({ limits: { bodyMs: 20 } });
    session.open();
    const infer = (body: ReadableStream<Uint8Array>, by = service): Promise<Response> =>
      by.fetch(new Request(`${HOST}/v2/models/gated/infer`, { method: 'POST', body, duplex: 'half' } as RequestInit)); // undici asks for duplex; the type does not have it
    let sent = 0;
    const stream = (chunk: () => Uint8Array | undefined): ReadableStream<Uint8Array> =>
      new ReadableStream({
        pull(controller) {
          const next = chunk();
          if (next) controller.enqueue(next);
          return next ? undefined : new Promise(() => undefined); // nothing more is sent
        },
      });
    const declared = await service.fetch(
      new Request(`${HOST}/v2/models/gated/infer`, {
        method: 'POST',
        body: 'x'.repeat(101),
        headers: { 'content-length': '101', 'content-type': 'application/json' },
      }),
    );
    expect(declared.status).toBe(413);
    expect(await refusal(infer(stream(() => (sent++, new Uint8Array(30)))))).toEqual([413, 'request.tooLarge']);
    expect(sent).toBeLessThan(10);
    sent = 0;
    expect(
      await refusal(
        infer(
          stream(() => (sent++ === 0 ? Uint8Array.of(123) : undefined)),
          hasty,
        ),
      ),
    ).toEqual([408, 'request.timeout']);
    expect([service.stats(), hasty.stats()]).toEqual([
      { accepted: 2, answered: 2, aborted: 0 },
      { accepted: 1, answered: 1, aborted: 0 },
    ]);
    expect(session.runs).toEqual([]);
  });

  test('too many pixels are refused before sampling if the model declares its size', async () => {
    const { session, draw } = gated({ limits: { pixels: 1 } });
    session.open();
    expect(await refusal(draw())).toEqual([413, 'request.tooLarge']);
    expect(session.runs).toEqual([]);
  });

  test('a token is required everywhere except for the probes', async () => {
    const { session, service } = gated({ token: 's3cret' });
    session.open();
    const status = async (path: string, authorization?: string): Promise<number> =>
      (
        await service.fetch(
          new Request(`${HOST}${path}`, authorization === undefined ? {} : { headers: { authorization } }),
        )
      ).status;
    for (const path of ['/', '/v1/images', '/v1/models', '/metrics', '/v2', '/v2/models/gated', '/other']) {
      expect([path, await status(path)]).toEqual([path, 401]);
      expect([path, await status(path, 'Bearer s3cre')]).toEqual([path, 401]);
      expect([path, await status(path, 'Bearer s3cret')]).toEqual([path, path === '/other' ? 404 : 200]);
    }
    expect(await status('/v2/health/live')).toBe(200);
    expect(await status('/v2/health/ready')).toBe(200);
    expect(await refusal(service.fetch(new Request(`${HOST}/v1/images`)))).toEqual([401, 'request.unauthorized']);
  });

  test('pages of other origins are blocked, unless allowed by name', async () => {
    const page = 'https://example.org';
    const seen = async (given: Partial<ServeOptions>, origin: string, init: RequestInit = {}) => {
      const { session, service } = gated(given);
      session.open();
      const headers = { ...(init.headers as Record<string, string> | undefined), origin };
      const response = await service.fetch(new Request(`${HOST}/v1/images`, { ...init, headers }));
      const of = (name: string): string | null => response.headers.get(name);
      return {
        status: response.status,
        origin: of('access-control-allow-origin'),
        policy: of('cross-origin-resource-policy'),
        methods: of('access-control-allow-methods'),
        vary: of('vary'),
      };
    };
    const preflight = { method: 'OPTIONS', headers: { 'access-control-request-method': 'POST' } };
    const closed = { origin: null, policy: 'same-origin', methods: null, vary: null };
    expect(await seen({}, page)).toEqual({ status: 200, ...closed });
    expect(await seen({}, page, preflight)).toMatchObject({ status: 405, origin: null });
    const open = { origin: page, policy: 'cross-origin' };
    for (const given of [{ origins: [page] }, { origins: ['https://other.org', page] }]) {
      expect(await seen(given, page)).toMatchObject({ status: 200, ...open, vary: 'Origin' });
      expect(await seen(given, `${page}:8443`)).toMatchObject({ status: 200, origin: null });
      expect(await seen(given, page, preflight)).toMatchObject({ status: 204, ...open, methods: 'GET,HEAD,POST' });
      // The page must be able to read errors too; the token is required after the preflight request.
      const body = { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } };
      expect(await seen(given, page, body)).toMatchObject({ status: 400, ...open });
      expect(await seen({ ...given, token: 's3cret' }, page)).toMatchObject({ status: 401, ...open });
      expect(await seen({ ...given, token: 's3cret' }, page, preflight)).toMatchObject({ status: 204, ...open });
    }
    expect(await seen({ origins: ['*'] }, page)).toMatchObject({ status: 200, origin: '*', policy: 'cross-origin' });
  });

  test('a model is not ready before it is loaded, or after it failed', async () => {
    const told: unknown[] = [];
    const service = serve({
      models: { one: await tiny(), broken: new Uint8Array(10) },
      load: { device: 'cpu', threads: 1 },
      onError: (error) => told.push(error),
    });
    made.push(service);
    const code = (path: string): Promise<[number, string]> => refusal(service.fetch(new Request(`${HOST}${path}`)));
    expect(await code('/v1/images?model=one')).toEqual([503, 'server.starting']);
    expect((await service.fetch(new Request(`${HOST}/v2/health/ready`))).status).toBe(503);
    expect((await service.fetch(new Request(`${HOST}/v2/health/live`))).status).toBe(200);
    await expect(service.ready).rejects.toMatchObject({ code: 'model.format' });
    expect(await code('/v2/models/broken')).toEqual([500, 'server.failed']);
    expect((await service.fetch(new Request(`${HOST}/`))).status).toBe(200);
    expect(told[0]).toMatchObject({ code: 'model.format' });
  });

  test.each<[string, Partial<ServeOptions>, string]>([
    ['no models', { models: {} }, 'usage'],
    ['a name with a slash', { models: { 'a/b': new Uint8Array(1) } }, 'usage'],
    ['a name that begins with a dot', { models: { '..': new Uint8Array(1) } }, 'usage'],
    ['a limit of nothing', { limits: { queue: 0 } }, 'input.range'],
    ['a limit that is not there', { limits: { other: 1 } as object }, 'usage'],
    ['a token with spaces', { token: 'a b' }, 'usage'],
    ['an origin with a path', { origins: ['https://example.org/'] }, 'usage'],
    ['an origin without a scheme', { origins: ['example.org'] }, 'usage'],
    ['an origin that has none', { origins: ['file:///home'] }, 'usage'],
  ])('refuses %s', (_, options, code) => {
    expect(() => gated(options)).toThrow(expect.objectContaining({ code }) as Error);
  });
});

test('docs/serve.md has a line for every code and its status', () => {
  const listed = [
    ...readFileSync(new URL('../../../../docs/serve.md', import.meta.url), 'utf8').matchAll(
      /^\| (\d{3}) \| (.+?) \|/gm,
    ),
  ].flatMap(([, status, codes]) => [...codes!.matchAll(/`([\w.]+)`/g)].map(([, code]) => [code, Number(status)]));
  const own = Object.entries(STATUS)
    .filter(([, { status, instead }]) => !(status === 500 && instead))
    .map(([code, { status }]) => [code, status]);
  expect(listed.filter(([code]) => code !== 'internal').sort()).toEqual(own.sort());
});
