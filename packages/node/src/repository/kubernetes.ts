// What Kubernetes needs to serve one model: an image of the model with `forja serve`, and manifests that run, probe,
// drain and expose it.
import type { RepositoryOptions } from './config.js';
import { template, type RepositoryFile } from './files.js';
import { checkLabel } from './label.js';
import { VERSION } from '../version.js';

/** Version of onnxruntime-node in the image. */
const RUNTIME = '1.30.0';
/** Cores of a pod, and threads of a run. */
const THREADS = 2;
/**
 * Seconds that a stopping pod waits: until it has left the Service, then for pending answers, then until models are
 * freed.
 */
const STOP = { preStop: 5, drain: 30, free: 10 };
/** Memory of a pod: `base` MiB, plus `times` the size of the model; see docs/recipes/kubernetes.md. */
const MEMORY = { base: 256, times: 3 };

/** The files. Throws UsageError for a name that Kubernetes does not allow. */
export async function kubernetesFiles(
  version: number,
  { name, maxBatch, delayUs, instances, device }: RepositoryOptions,
  bytes: number,
): Promise<RepositoryFile[]> {
  checkLabel(name);
  const memory = MEMORY.base + Math.ceil((MEMORY.times * bytes) / 2 ** 20);
  const values = {
    name,
    version: String(version),
    instances: String(instances),
    maxBatch: String(maxBatch),
    delayUs: String(delayUs),
    device: device === 'gpu' ? 'cuda' : 'cpu',
    gpu: device === 'gpu' ? '\n              nvidia.com/gpu: 1' : '',
    threads: String(THREADS),
    preStop: String(STOP.preStop),
    drain: String(STOP.drain),
    grace: String(STOP.preStop + STOP.drain + STOP.free),
    memory: String(memory),
    memoryLimit: String(2 * memory),
    forja: VERSION,
    runtime: RUNTIME,
  };
  return [
    { path: `${name}/kubernetes.yaml`, text: await template('kubernetes.yaml', values) },
    { path: `${name}/kustomization.yaml`, text: await template('kustomization.yaml', values), theirs: true },
    { path: `${name}/Dockerfile`, text: await template(`${device}.Dockerfile`, values), theirs: true },
  ];
}
