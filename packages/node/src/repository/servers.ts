// What each server wants beside the models of a repository.
import { join } from 'node:path';
import type { Manifest } from '@forja/core';
import type { Graph } from '@forja/core/onnx';
import { shellWord } from '../cli/shell.js';
import { filled, templates } from '../cli/templates.js';
import { configOf, portsOf, type Port, type RepositoryOptions } from './config.js';
import type { ServerName } from './server-names.js';

/** A text to write, by its path in the repository. */
export interface RepositoryFile {
  path: string;
  text: string;
  /** Users change it: one that is there is kept. */
  theirs?: boolean;
}

interface Server {
  /** The files for one model. */
  files(
    graph: Graph,
    manifest: Manifest | undefined,
    version: number,
    options: RepositoryOptions,
  ): Promise<RepositoryFile[]>;
  /** The command that serves a repository. */
  command(folder: string): string;
}

/** Servers by name. */
export const SERVERS: Readonly<Record<ServerName, Server>> = {
  triton: {
    files: (graph, manifest, _, options) =>
      Promise.resolve([{ path: `${options.name}/config.pbtxt`, text: configOf(graph, manifest, options).text }]),
    command: (folder) => `tritonserver ${shellWord(`--model-repository=${folder}`)}`,
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
    command: (folder) => `cd ${shellWord(folder)} && serve run ray_app:app`,
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
    command: (folder) => `mlserver start ${shellWord(folder)}`,
  },
};

/** model-settings.json of MLServer. Requests share runs if they may wait for others. */
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

function template(name: string, values: Readonly<Record<string, string>>): Promise<string> {
  return filled(join(templates(), 'repository', name), values);
}
