// Additional files that each server needs in a repository.
import { join } from 'node:path';
import type { Manifest } from '@forja/core';
import type { Graph } from '@forja/core/onnx';
import { configOf, portsOf, type Port, type RepositoryOptions } from './config.js';
import { kserveFiles, SERVICE_FILE } from './kserve.js';
import { kubernetesFiles } from './kubernetes.js';
import { template, type RepositoryFile } from './files.js';
import type { ServerName } from './server-names.js';
import { shellWord } from '../shell.js';

interface Server {
  /** The files for one model, which is `bytes` long. */
  files(
    graph: Graph,
    manifest: Manifest | undefined,
    version: number,
    options: RepositoryOptions,
    bytes: number,
  ): Promise<RepositoryFile[]>;
  /** The commands that serve these models of a repository. */
  commands(folder: string, models: readonly { name: string; version: number }[]): string[];
}

/** Servers by name. */
export const SERVERS: Readonly<Record<ServerName, Server>> = {
  triton: {
    files: (graph, manifest, _, options) =>
      Promise.resolve([{ path: `${options.name}/config.pbtxt`, text: configOf(graph, manifest, options).text }]),
    commands: (folder) => [`tritonserver ${shellWord(`--model-repository=${folder}`)}`],
  },
  kserve: {
    files: (graph, manifest, _, options) => kserveFiles(graph, manifest, options),
    commands: (folder) => [`kubectl apply -f ${shellWord(join(folder, SERVICE_FILE))}`],
  },
  ray: {
    files: async (_, __, ___, { maxBatch, delayUs, instances, device }) => [
      {
        path: 'ray_app.py',
        text: await template('ray_app.py', {
          maxBatch: String(maxBatch),
          waitSeconds: String(delayUs / 1e6),
          instances: String(instances),
          gpu: device === 'gpu' ? 'True' : 'False',
        }),
        theirs: true,
      },
    ],
    commands: (folder) => [`cd ${shellWord(folder)} && serve run ray_app:app`],
  },
  mlserver: {
    files: async (graph, _, version, options) => [
      { path: `${options.name}/model-settings.json`, text: settingsOf(graph, version, options) },
      {
        path: `${options.name}/onnx_model.py`,
        text: await template('onnx_model.py', { gpu: options.device === 'gpu' ? 'True' : 'False' }),
        theirs: true,
      },
    ],
    commands: (folder) => [`mlserver start ${shellWord(folder)}`],
  },
  kubernetes: {
    files: (_, __, version, options, bytes) => kubernetesFiles(version, options, bytes),
    commands: (folder, models) =>
      models.flatMap(({ name, version }) => [
        // the Dockerfile may be that of an earlier version, because an existing one is kept
        `docker build --build-arg VERSION=${version} -t ${name}:${version} ${shellWord(join(folder, name))}`,
        `kubectl apply -k ${shellWord(join(folder, name))}`,
      ]),
  },
};

/** model-settings.json of MLServer. Requests share runs only if `delayUs` allows them to wait for one another. */
function settingsOf(graph: Graph, version: number, { name, maxBatch, delayUs }: RepositoryOptions): string {
  const { inputs, outputs, batched } = portsOf(graph, maxBatch);
  const tensor = ({ name: of, type, dims }: Port) => ({
    name: of,
    datatype: type.replace('TYPE_', ''),
    shape: batched ? [-1, ...dims] : dims,
  });
  const settings = {
    name,
    implementation: 'onnx_model.OnnxModel',
    platform: 'onnxruntime_onnx',
    inputs: inputs.map(tensor),
    outputs: outputs.map(tensor),
    ...(batched && delayUs > 0 ? { max_batch_size: maxBatch, max_batch_time: delayUs / 1e6 } : {}),
    parameters: { uri: `./${version}/model.onnx`, version: String(version) },
  };
  return `${JSON.stringify(settings, undefined, 2)}\n`;
}
