// What `forja export-repository` writes, parsed by Triton's own schema. FORJA_PYTHON names a Python that has
// tritonclient[grpc]; without one it is skipped, and says so.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { expect, test } from 'vitest';
import { buildForTests } from '../../packages/node/vitest.worker.js';

const python = process.env['FORJA_PYTHON'] ?? 'python3';
const hasSchema = spawnSync(python, ['-c', 'from tritonclient.grpc import model_config_pb2']).status === 0;

test("Triton's schema reads every configuration", async ({ skip }) => {
  skip(!hasSchema, `${python} has no tritonclient[grpc]: FORJA_PYTHON names one that has`);
  const folder = mkdtempSync(join(tmpdir(), 'forja-repository-'));
  try {
    const strange = 'z "quoted" \\ back\nslash ä 😀';
    const models: Record<string, GraphBuilder> = {
      batched: new GraphBuilder(),
      fixed: new GraphBuilder(),
      strange: new GraphBuilder(),
    };
    const { batched, fixed, strange: odd } = models;
    batched!.output(
      'image',
      batched!.op('Reshape', [
        batched!.op('Add', [
          batched!.input('z', 'float32', ['n', 12]),
          batched!.op('Unsqueeze', [batched!.input('s', 'float32', ['n']), batched!.constant('int64', [1], [1])]),
        ]),
        batched!.constant('int64', [4], [0, 3, 2, 2]),
      ]),
    );
    fixed!.output('y', fixed!.op('Abs', [fixed!.input('x', 'float32', [])]));
    odd!.output('y', odd!.op('Abs', [odd!.input(strange, 'float32', ['n', 'wide'])]));
    const files = Object.entries(models).map(([name, g]) => {
      writeFileSync(join(folder, `${name}.onnx`), encodeModel(g.build()));
      return join(folder, `${name}.onnx`);
    });
    const run = spawnSync(
      process.execPath,
      [
        join(await buildForTests(), 'bin.js'),
        'export-repository',
        ...files,
        '-o',
        join(folder, 'repository'),
        '--max-batch',
        '8',
        '--delay',
        '100',
      ],
      { encoding: 'utf8' },
    );
    expect(run.status, run.stderr).toBe(0);
    const { stdout, stderr } = spawnSync(
      python,
      [fileURLToPath(new URL('./repository.py', import.meta.url)), join(folder, 'repository')],
      { encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    const group = { instance_group: [{ count: 1, kind: 'KIND_GPU' }] };
    // proto3's JSON: 64-bit numbers as texts, what is 0 left out.
    expect(JSON.parse(stdout)).toEqual({
      batched: {
        name: 'batched',
        backend: 'onnxruntime',
        max_batch_size: 8,
        ...group,
        dynamic_batching: { max_queue_delay_microseconds: '100' },
        input: [
          { name: 'z', data_type: 'TYPE_FP32', dims: ['12'] },
          { name: 's', data_type: 'TYPE_FP32', dims: ['1'], reshape: {} },
        ],
        output: [{ name: 'image', data_type: 'TYPE_FP32', dims: ['3', '2', '2'] }],
        model_warmup: [
          {
            name: 'one',
            batch_size: 1,
            inputs: {
              z: { data_type: 'TYPE_FP32', dims: ['12'], random_data: true },
              s: { data_type: 'TYPE_FP32', dims: ['1'], random_data: true },
            },
          },
        ],
      },
      fixed: {
        name: 'fixed',
        backend: 'onnxruntime',
        ...group,
        input: [{ name: 'x', data_type: 'TYPE_FP32', dims: ['1'], reshape: {} }],
        output: [{ name: 'y', data_type: 'TYPE_FP32', dims: ['1'], reshape: {} }],
        model_warmup: [
          { name: 'one', batch_size: 1, inputs: { x: { data_type: 'TYPE_FP32', dims: ['1'], random_data: true } } },
        ],
      },
      strange: {
        name: 'strange',
        backend: 'onnxruntime',
        max_batch_size: 8,
        ...group,
        dynamic_batching: { max_queue_delay_microseconds: '100' },
        input: [{ name: strange, data_type: 'TYPE_FP32', dims: ['-1'] }],
        output: [{ name: 'y', data_type: 'TYPE_FP32', dims: ['-1'] }],
      },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
