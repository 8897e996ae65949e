// forja export-repository --server kserve: the InferenceService against KServe's own schema, and the folder as its
// Triton runtime reads it.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { forja, generatorFile } from '../jobs/jobs.support.js';
import { faultsOf } from './kubernetes.support.js';

/** What the tests look at in an InferenceService. */
interface Service {
  metadata: { name: string };
  spec: { predictor: { minReplicas: number; model: Record<string, unknown> & { resources?: unknown } } };
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'forja-kserve-'));
  writeFileSync(join(folder, 'small.onnx'), generatorFile());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const exported = (out: string, ...args: string[]) =>
  forja(folder, 'export-repository', ...args, '-o', out, '--server', 'kserve');
const read = (...path: string[]): string => readFileSync(join(folder, ...path), 'utf8');
const service = (out: string): Service => parse(read(out, 'kserve.yaml'), { strict: true }) as Service;

test('writes a folder that Triton reads, and an InferenceService that KServe’s schema accepts', async () => {
  const args = ['digits=small.onnx', '--device', 'cpu', '--instances', '3', '--max-batch', '16', '--delay', '200'];
  const { code, text } = await exported('cpu', ...args);
  expect(code, text).toBe(0);
  expect(text).toMatch(/^kubectl apply -f \S*cpu\/kserve\.yaml$/m);
  expect(readdirSync(join(folder, 'cpu')).sort()).toEqual(['digits', 'kserve.yaml']);
  expect(readdirSync(join(folder, 'cpu', 'digits')).sort()).toEqual(['1', 'config.pbtxt']);
  expect(readFileSync(join(folder, 'cpu/digits/1/model.onnx'))).toEqual(Buffer.from(generatorFile()));
  const config = read('cpu', 'digits', 'config.pbtxt');
  expect(config).toMatch(/max_batch_size: 16/);
  expect(config).toMatch(/count: 1\b/); // replicas are pods
  const manifest = service('cpu');
  expect(read('cpu', 'kserve.yaml')).not.toContain('{{');
  expect(faultsOf(manifest)).toEqual([]);
  expect(manifest.metadata.name).toBe('digits');
  expect(manifest.spec.predictor).toMatchObject({
    minReplicas: 3,
    model: { modelFormat: { name: 'onnx' }, protocolVersion: 'v2', runtime: 'kserve-tritonserver' },
  });
  expect(manifest.spec.predictor.model.resources).toBeUndefined();
  const wrong = structuredClone(manifest);
  Object.assign(wrong.spec.predictor.model, { storageUrl: 's3://bucket', runtime: 7 });
  expect(faultsOf(wrong).join('\n')).toMatch(/additional[\s\S]*string/);
});

test('on a GPU: a limit of one card; a new version and a second model do not overwrite kserve.yaml', async () => {
  expect((await exported('gpu', 'null=small.onnx')).code).toBe(0); // a name that YAML reads as null unless quoted
  expect(faultsOf(service('gpu'))).toEqual([]);
  expect(service('gpu').metadata.name).toBe('null');
  expect(service('gpu').spec.predictor.model.resources).toEqual({ limits: { 'nvidia.com/gpu': '1' } });
  writeFileSync(join(folder, 'gpu', 'kserve.yaml'), '# mine');
  expect((await exported('gpu', 'null=small.onnx', '--model-version', '2')).code).toBe(0);
  expect((await exported('gpu', 'other=small.onnx')).code).toBe(0);
  expect(read('gpu', 'kserve.yaml')).toBe('# mine');
  expect(readdirSync(join(folder, 'gpu')).sort()).toEqual(['kserve.yaml', 'null', 'other']);
});

test('a name that Kubernetes does not take is refused, and nothing is written', async () => {
  const { code, json } = await forja(
    folder,
    ...['export-repository', 'My_Digits=small.onnx', '-o', 'refused', '--server', 'kserve', '--json'],
  );
  expect([code, json]).toMatchObject([2, { error: { code: 'usage' } }]);
  expect(readdirSync(folder)).not.toContain('refused');
});
