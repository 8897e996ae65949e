// What KServe needs to serve the models of a folder by its Triton runtime: Triton's configuration of each model, and an
// InferenceService.
import type { Manifest } from '@forja/core';
import type { Graph } from '@forja/core/onnx';
import { configOf, type RepositoryOptions } from './config.js';
import { template, type RepositoryFile } from './files.js';
import { checkLabel } from './label.js';

/** Path of the InferenceService in the folder. */
export const SERVICE_FILE = 'kserve.yaml';

/** A card for the model container. Without one, the cluster's defaults hold. */
const CARD = "\n      resources:\n        limits:\n          nvidia.com/gpu: '1'";

/** The files. Throws UsageError for a name that Kubernetes does not allow. */
export async function kserveFiles(
  graph: Graph,
  manifest: Manifest | undefined,
  options: RepositoryOptions,
): Promise<RepositoryFile[]> {
  const { name, instances, device } = options;
  checkLabel(name);
  return [
    // replicas are pods here, not copies in a server
    { path: `${name}/config.pbtxt`, text: configOf(graph, manifest, { ...options, instances: 1 }).text },
    {
      path: SERVICE_FILE,
      text: await template('kserve.yaml', {
        name,
        instances: String(instances),
        resources: device === 'gpu' ? CARD : '',
      }),
      theirs: true,
    },
  ];
}
