// forja export-repository --server kubernetes: the manifests against Kubernetes' own schema, and `forja serve` with the
// arguments, probes and signals that they name. The manifests of docs/recipes are checked against it too.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { parse, parseAllDocuments } from 'yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildForTests } from '../../vitest.worker.js';
import { forja } from '../jobs/jobs.support.js';
import { slowModel, startService } from '../serve/process.support.js';
import { faultsOf } from './kubernetes.support.js';

/** What the tests look at in a Deployment. */
interface Deployment {
  spec: {
    replicas: number;
    selector: { matchLabels: Record<string, string> };
    template: {
      metadata: { labels: Record<string, string> };
      spec: {
        terminationGracePeriodSeconds: number;
        containers: [
          {
            image: string;
            args: string[];
            ports: { name: string; containerPort: number }[];
            lifecycle: { preStop: { exec: { command: string[] } } };
            resources: { requests: Record<string, string>; limits: Record<string, string | number> };
          } & Record<
            'startupProbe' | 'readinessProbe' | 'livenessProbe',
            { httpGet: { path: string; port: string }; periodSeconds: number; failureThreshold: number }
          >,
        ];
      };
    };
  };
}

let folder: string;
let repository: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'forja-kubernetes-'));
  repository = join(folder, 'cluster');
  writeFileSync(join(folder, 'slow.onnx'), slowModel());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const exported = (...args: string[]) =>
  forja(folder, 'export-repository', ...args, '-o', 'cluster', '--server', 'kubernetes', '--json');
const read = (...path: string[]): string => readFileSync(join(repository, ...path), 'utf8');

/** The manifests of a text, by kind. */
function manifestsOf(text: string): Record<string, unknown> {
  const documents = parseAllDocuments(text, { strict: true });
  expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
  return Object.fromEntries(
    documents.map((document): [string, unknown] => {
      const value = document.toJS() as { kind: string };
      return [value.kind, value];
    }),
  );
}

describe('the repository of a model', () => {
  let deployment: Deployment;
  beforeAll(async () => {
    const { code, text } = await exported(
      'digits=slow.onnx',
      '--device',
      'cpu',
      '--instances',
      '3',
      '--max-batch',
      '16',
      '--delay',
      '200',
    );
    expect(code, text).toBe(0);
    deployment = manifestsOf(read('digits', 'kubernetes.yaml'))['Deployment'] as Deployment;
  });

  test('has an image, manifests and what is the user’s', () => {
    expect(readdirSync(join(repository, 'digits')).sort()).toEqual([
      '1',
      'Dockerfile',
      'kubernetes.yaml',
      'kustomization.yaml',
    ]);
    expect(read('digits', 'kubernetes.yaml') + read('digits', 'Dockerfile')).not.toContain('{{');
    const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
    expect(read('digits', 'Dockerfile')).toContain(` onnxruntime-node@${version}\n`);
    expect(parse(read('digits', 'kustomization.yaml'))).toMatchObject({
      resources: ['kubernetes.yaml'],
      images: [{ name: 'digits' }],
    });
  });

  test('is what Kubernetes’ schema allows, and no more', () => {
    const manifests = manifestsOf(read('digits', 'kubernetes.yaml'));
    expect(Object.keys(manifests)).toEqual(['Deployment', 'Service', 'PodDisruptionBudget']);
    for (const manifest of Object.values(manifests)) expect(faultsOf(manifest)).toEqual([]);
    const wrong = structuredClone(deployment) as unknown as { spec: { template: { spec: { containers: object[] } } } };
    Object.assign(wrong.spec.template.spec.containers[0]!, { livenesProbe: {}, image: 7 });
    expect(faultsOf(wrong).join('\n')).toMatch(/additional[\s\S]*string/);
  });

  test('selects its own pods', () => {
    const { Service: service, PodDisruptionBudget: budget } = manifestsOf(read('digits', 'kubernetes.yaml')) as {
      Service: { spec: { selector: Record<string, string>; ports: { port: number; targetPort: string }[] } };
      PodDisruptionBudget: { spec: { selector: { matchLabels: Record<string, string> } } };
    };
    const { matchLabels } = deployment.spec.selector;
    expect(deployment.spec.template.metadata.labels).toMatchObject(matchLabels);
    expect(service.spec.selector).toEqual(matchLabels);
    expect(budget.spec.selector.matchLabels).toEqual(matchLabels);
    const [container] = deployment.spec.template.spec.containers;
    expect(container.ports).toEqual([{ name: service.spec.ports[0]?.targetPort, containerPort: 8080 }]);
    expect(deployment.spec.replicas).toBe(3);
  });

  test('gives a stopping pod the time that preStop and draining take', () => {
    const { containers, terminationGracePeriodSeconds } = deployment.spec.template.spec;
    const [{ args, lifecycle }] = containers;
    const drain = Number(args.find((one) => one.startsWith('--drain='))?.split('=')[1]);
    const [command, seconds] = lifecycle.preStop.exec.command;
    expect([command, Number(seconds) > 0, drain > 0]).toEqual(['sleep', true, true]);
    expect(terminationGracePeriodSeconds).toBeGreaterThan(Number(seconds) + drain);
  });

  test('forja serve takes its arguments, answers its probes, and drains at SIGTERM', async () => {
    const [{ args, ...container }] = deployment.spec.template.spec.containers;
    expect(args).toEqual(expect.arrayContaining(['--max-batch=16', '--delay=200', '--device=cpu', '--threads=2']));
    expect(container.resources.requests['cpu']).toBe('2');
    const local = args.map((one) => one.replace('/model/', `${join(repository, 'digits', '1')}/`)); // its mount
    const { child, said, ended, url } = await startService(
      join(await buildForTests(), 'bin.js'),
      folder,
      local.map((one) => one.replace('0.0.0.0', '127.0.0.1')),
    );
    try {
      expect(said.out, said.err).toContain('Ready: digits.');
      for (const name of ['startupProbe', 'readinessProbe', 'livenessProbe'] as const)
        expect([name, (await fetch(url + container[name].httpGet.path)).status]).toEqual([name, 200]);
      const asked = fetch(`${url}/v1/images?model=digits&count=64`);
      const inside = async (): Promise<number> =>
        Number(/^forja_requests_inside\S* (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);
      await expect.poll(inside).toBe(1);
      child.kill('SIGTERM');
      expect((await asked).status).toBe(200);
      expect(await ended).toEqual([0, null]);
      expect(said.out).toMatch(/1 requests accepted, 1 answered/);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('a new version changes the manifests, not what is the user’s', async () => {
    writeFileSync(join(repository, 'digits', 'kustomization.yaml'), '# mine');
    writeFileSync(join(repository, 'digits', 'Dockerfile'), '# mine too');
    expect((await exported('digits=slow.onnx', '--device', 'cpu', '--model-version', '2')).code).toBe(0);
    expect(read('digits', 'kustomization.yaml') + read('digits', 'Dockerfile')).toBe('# mine# mine too');
    const next = manifestsOf(read('digits', 'kubernetes.yaml'))['Deployment'] as Deployment;
    const [{ image }] = next.spec.template.spec.containers;
    expect([image, next.spec.selector, next.spec.replicas]).toEqual(['digits:2', deployment.spec.selector, 1]);
    // the Dockerfile is that of version 1, so the command says which model goes into the image
    const again = ['digits=slow.onnx', '--device', 'cpu', '--model-version', '3', '-o', 'cluster'];
    const { text } = await forja(folder, 'export-repository', ...again, '--server', 'kubernetes');
    expect(text).toContain('docker build --build-arg VERSION=3 -t digits:3 ');
  });
});

test('on a card: CUDA’s image, the device and a limit of one card', async () => {
  expect((await exported('null=slow.onnx')).code).toBe(0); // a name that YAML reads as null unless quoted
  expect(read('null', 'Dockerfile')).toMatch(/^FROM nvidia\/cuda:12\S*$/m);
  const manifests = manifestsOf(read('null', 'kubernetes.yaml'));
  for (const manifest of Object.values(manifests)) expect(faultsOf(manifest)).toEqual([]);
  const [{ args, resources }] = (manifests['Deployment'] as Deployment).spec.template.spec.containers;
  expect(args).toContain('--device=cuda');
  expect(resources.limits).toMatchObject({ 'nvidia.com/gpu': 1 });
});

test.each(['Digits', '7digits', 'my_digits', 'a.b', 'digits-', 'x'.repeat(64)])(
  'the name %s is refused, and nothing is written',
  async (name) => {
    const { code, json } = await exported(`${name}=slow.onnx`);
    expect([code, json]).toMatchObject([2, { error: { code: 'usage' } }]);
    expect(readdirSync(repository)).not.toContain(name);
  },
);

test('memory grows with the model', async () => {
  const g = new GraphBuilder();
  const large = g.constant('float32', [2 ** 21], new Float32Array(2 ** 21)); // 8 MiB
  g.output('y', g.op('Add', [g.input('x', 'float32', ['n', 1]), large]));
  writeFileSync(join(folder, 'large.onnx'), encodeModel(g.build()));
  mkdirSync(repository, { recursive: true });
  expect((await exported('large=large.onnx', 'small=slow.onnx', '--device', 'cpu')).code).toBe(0);
  const memory = (name: string): number => {
    const { Deployment: one } = manifestsOf(read(name, 'kubernetes.yaml')) as { Deployment: Deployment };
    return parseInt(one.spec.template.spec.containers[0].resources.requests['memory'] ?? '', 10);
  };
  expect(memory('large')).toBeGreaterThan(memory('small'));
});

describe('docs/recipes', () => {
  const page = (name: string): string[] =>
    [
      ...readFileSync(new URL(`../../../../docs/recipes/${name}`, import.meta.url), 'utf8').matchAll(
        /^```yaml\n([\s\S]*?)^```$/gm,
      ),
    ].map(([, text = '']) => text);

  test.each(['kubernetes.md', 'kserve.md'])('%s: whole manifests are what the schema allows', (name) => {
    const manifests = page(name)
      .map((text) => parse(text) as { apiVersion?: string; kind?: string })
      .filter(({ apiVersion = 'kustomize' }) => !apiVersion.startsWith('kustomize'));
    expect(manifests.length).toBeGreaterThan(0);
    for (const manifest of manifests) expect(faultsOf(manifest)).toEqual([]);
  });

  test('kubernetes.md: the patch replaces the arguments that it means', () => {
    const [text = ''] = page('kubernetes.md').filter((one) => one.includes('op: replace'));
    const { patches } = parse(text) as { patches: { patch: string }[] };
    const operations = parse(patches[0]?.patch ?? '') as { path: string; value: string }[];
    const { Deployment: one } = manifestsOf(read('small', 'kubernetes.yaml')) as { Deployment: Deployment };
    for (const { path, value } of operations) {
      const old = path
        .split('/')
        .slice(1)
        .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], one);
      expect(typeof old).toBe(typeof value);
      expect(String(old).replace(/\d+$/, '')).toBe(value.replace(/\d+$/, ''));
    }
  });
});
