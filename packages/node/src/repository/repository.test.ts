// forja export-repository: output for models with and without a batch, and errors. tests/full parses the texts with
// Triton's own schema.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dim, DType } from '@forja/core';
import { encodeModel, externalizeModel, GraphBuilder, sealModel } from '@forja/core/onnx';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256 } from '../files/hash.js';
import { buildForTests } from '../../vitest.worker.js';
import { forja as run } from '../jobs/jobs.support.js';
import { configOf } from './config.js';

let folder: string;
let bin: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forja-repository-'));
  bin = join(await buildForTests(), 'bin.js');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const forja = (...args: string[]): { status: number | null; result: Record<string, unknown> } => {
  const { status, stdout } = spawnSync(process.execPath, [bin, 'export-repository', ...args, '--json'], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, result: JSON.parse(stdout) as Record<string, unknown> };
};

/** The same in this process, where templates/ is found from the sources. */
const inside = (...args: string[]) => run(folder, 'export-repository', ...args, '--json');

/** latent [batch, 8] and label [batch] → image [batch, 1, 2, 4]. */
function generator(): ReturnType<GraphBuilder['build']> {
  const g = new GraphBuilder({ name: 'tiny' });
  const z = g.input('latent', 'float32', ['batch', 8]);
  const rows = g.constant('float32', [2, 8], new Float32Array(16).fill(0.5), 'rows');
  const moved = g.op('Add', [z, g.op('Gather', [rows, g.input('label', 'int64', ['batch'])], { axis: 0 })]);
  g.output('image', g.op('Reshape', [g.op('Tanh', [moved]), g.constant('int64', [4], [0, 1, 2, 4])]));
  return g.build();
}
const sealed = (model: ReturnType<GraphBuilder['build']>): Promise<Uint8Array> =>
  sealModel(
    model,
    {
      version: 1,
      kind: 'latent',
      inputs: [
        { name: 'latent', role: 'latent', dtype: 'float32', shape: ['batch', 8], distribution: 'normal' },
        { name: 'label', role: 'label', dtype: 'int64', shape: ['batch'], classes: ['a', 'b'] },
      ],
      outputs: [
        { name: 'image', role: 'image', dtype: 'float32', shape: ['batch', 1, 2, 4], range: [-1, 1], layout: 'nchw' },
      ],
      producer: 'test',
    },
    sha256,
  );

test('a generator: its folder, and a configuration with batching', async () => {
  const bytes = await sealed(generator());
  writeFileSync(join(folder, 'tiny.onnx'), bytes);
  const { status, result } = forja(
    'digits=tiny.onnx',
    '-o',
    'models',
    '--max-batch',
    '16',
    '--delay',
    '200',
    '--device',
    'cpu',
    '--instances',
    '2',
  );
  expect(status).toBe(0);
  expect(result).toMatchObject({ models: [{ name: 'digits', version: 1, batched: true }] });
  expect(new Uint8Array(readFileSync(join(folder, 'models/digits/1/model.onnx')))).toEqual(bytes);
  expect(readFileSync(join(folder, 'models/digits/config.pbtxt'), 'utf8')).toBe(`name: "digits"
backend: "onnxruntime"
max_batch_size: 16
input {
  name: "latent"
  data_type: TYPE_FP32
  dims: [8]
}
input {
  name: "label"
  data_type: TYPE_INT64
  dims: [1]
  reshape {
    shape: []
  }
}
output {
  name: "image"
  data_type: TYPE_FP32
  dims: [1, 2, 4]
}
instance_group {
  count: 2
  kind: KIND_CPU
}
dynamic_batching {
  max_queue_delay_microseconds: 200
}
model_warmup {
  name: "one"
  batch_size: 1
  inputs {
    key: "latent"
    value {
      data_type: TYPE_FP32
      dims: [8]
      random_data: true
    }
  }
  inputs {
    key: "label"
    value {
      data_type: TYPE_INT64
      dims: [1]
      zero_data: true
    }
  }
}
`);
  // A version is never replaced; another one is added.
  expect(forja('digits=tiny.onnx', '-o', 'models')).toMatchObject({
    status: 2,
    result: { error: { code: 'usage', message: expect.stringContaining('--model-version 2') as unknown } },
  });
  expect(forja('digits=tiny.onnx', '-o', 'models', '--model-version', '2').status).toBe(0);
  expect(readdirSync(join(folder, 'models/digits')).sort()).toEqual(['1', '2', 'config.pbtxt']);
});

test('for Ray Serve: one program for all models, which is kept where it was changed', async () => {
  const { code, json } = await inside(
    'digits=tiny.onnx',
    '-o',
    'ray',
    '--server',
    'ray',
    '--max-batch',
    '16',
    '--delay',
    '200',
  );
  expect(code).toBe(0);
  expect(json).toMatchObject({ models: [{ name: 'digits', batched: true }] });
  const program = readFileSync(join(folder, 'ray/ray_app.py'), 'utf8');
  expect(program).toMatch(/^MAX_BATCH = 16 .*\nWAIT_S = 0\.0002 .*\nREPLICAS = 1 .*\nGPU = True$/m);
  expect(program).not.toContain('{{');
  writeFileSync(join(folder, 'ray/ray_app.py'), '# mine');
  expect((await inside('other=tiny.onnx', '-o', 'ray', '--server', 'ray')).code).toBe(0);
  expect(readdirSync(join(folder, 'ray')).sort()).toEqual(['digits', 'other', 'ray_app.py']);
  expect(readFileSync(join(folder, 'ray/ray_app.py'), 'utf8')).toBe('# mine');
});

test('for MLServer: settings and a runtime beside each model', async () => {
  const out = ['-o', 'mlserver', '--server', 'mlserver', '--device', 'cpu'];
  expect((await inside('tiny.onnx', ...out, '--max-batch', '8', '--delay', '500')).code).toBe(0);
  expect(readdirSync(join(folder, 'mlserver/tiny')).sort()).toEqual(['1', 'model-settings.json', 'onnx_model.py']);
  expect(readFileSync(join(folder, 'mlserver/tiny/onnx_model.py'), 'utf8')).toMatch(/^GPU = False$/m);
  const settings = (): unknown => JSON.parse(readFileSync(join(folder, 'mlserver/tiny/model-settings.json'), 'utf8'));
  expect(settings()).toEqual({
    name: 'tiny',
    implementation: 'onnx_model.OnnxModel',
    platform: 'onnxruntime_onnx',
    inputs: [
      { name: 'latent', datatype: 'FP32', shape: [-1, 8] },
      { name: 'label', datatype: 'INT64', shape: [-1] },
    ],
    outputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 1, 2, 4] }],
    max_batch_size: 8,
    max_batch_time: 0.0005,
    parameters: { uri: './1/model.onnx', version: '1' },
  });
  expect((await inside('tiny.onnx', ...out, '--model-version', '2')).code).toBe(0); // no --delay: nothing to share
  expect(settings()).toMatchObject({ parameters: { uri: './2/model.onnx', version: '2' } });
  expect(settings()).not.toHaveProperty('max_batch_size');
  expect((await inside('tiny.onnx', '-o', 'nowhere', '--server', 'torch')).code).toBe(2);
});

test('external data is copied too', () => {
  mkdirSync(join(folder, 'external'));
  const { model, external } = externalizeModel(generator(), { least: 16, location: 'tiny.onnx.data' });
  writeFileSync(join(folder, 'external/tiny.onnx'), encodeModel(model));
  for (const [location, bytes] of external) writeFileSync(join(folder, 'external', location), bytes);
  expect(forja('external/tiny.onnx', '-o', 'external-models').status).toBe(0);
  expect(readdirSync(join(folder, 'external-models/tiny/1')).sort()).toEqual(['model.onnx', 'tiny.onnx.data']);
});

test('a changed file is refused, and nothing is left', async () => {
  const bytes = await sealed(generator());
  bytes[bytes.indexOf(0x3f)]! ^= 1; // the high byte of 0.5, in the weights
  writeFileSync(join(folder, 'flipped.onnx'), bytes);
  expect(forja('flipped.onnx', '-o', 'flipped')).toMatchObject({
    status: 1,
    result: { error: { code: 'model.integrity' } },
  });
  expect(forja('nowhere.onnx', '-o', 'flipped')).toMatchObject({
    status: 1,
    result: { error: { code: 'model.notFound' } },
  });
  expect(forja('tiny.onnx', '-o', 'flipped', '--max-batch', '0')).toMatchObject({
    status: 2,
    result: { error: { code: 'input.range' } },
  });
  expect(readdirSync(folder)).not.toContain('flipped');
});

test.each<[string, [string, DType, Dim[]][], Dim[], boolean, number]>([
  ['one name for the first size', [['x', 'float32', ['n', 3]]], ['n', 3], true, 64],
  ['sizes within a row may be free', [['x', 'float16', ['n', 3, 'h', 'w']]], ['n', 3, 'h', 'w'], true, 64],
  ['a fixed batch', [['x', 'float32', [1, 3]]], [1, 3], false, 0],
  [
    'a first size that is not the inputs’',
    [
      ['x', 'float32', ['n', 3]],
      ['y', 'float32', ['m', 3]],
    ],
    ['n', 3],
    false,
    0,
  ],
  ['a result without rows', [['x', 'float32', ['n', 3]]], [3], false, 0],
])('%s', (_, inputs, output, batched, size) => {
  const dim = (value: Dim): { value?: bigint; param?: string } =>
    typeof value === 'number' ? { value: BigInt(value) } : { param: value };
  const value = (name: string, dtype: DType, shape: readonly Dim[]) => ({
    name,
    type: { tensor: { elemType: { float32: 1, float16: 10 }[dtype as 'float32'], shape: { dims: shape.map(dim) } } },
    metadata: [],
  });
  const graph = {
    nodes: [],
    initializers: [],
    sparseInitializers: [],
    inputs: inputs.map((input) => value(...input)),
    outputs: [value('z"\\\u00e4', 'float32', output)],
    valueInfo: [],
    quantizationAnnotation: [],
    metadata: [],
  };
  const { text, batched: got } = configOf(graph, undefined, {
    name: 'm',
    maxBatch: 64,
    delayUs: 0,
    instances: 1,
    device: 'gpu',
  });
  expect(got).toBe(batched);
  expect(text).toContain(`max_batch_size: ${size}\n`);
  expect(text.includes('dynamic_batching')).toBe(batched);
  expect(text).toContain(
    `dims: [${(batched ? output.slice(1) : output).map((d) => (typeof d === 'number' ? d : -1)).join(', ')}]`,
  );
  expect(text).toContain('name: "z\\"\\\\\\303\\244"');
});
