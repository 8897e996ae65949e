// forja export-repository: writes models as a repository that Triton, KServe, Ray Serve, MLServer or Kubernetes can
// serve, for more than one machine.
import { resolve } from 'node:path';
import type { CliCommand } from '@forja/core';
import { SERVER_NAMES, type ServerName } from '../repository/server-names.js';
import { checkLocal } from './files.js';
import { modelsOf } from './model-names.js';

interface Args {
  models: string[];
  out: string;
  server: ServerName;
  modelVersion: number;
  maxBatch: number;
  delay: number;
  instances: number;
  device: 'cpu' | 'gpu';
}

/** The command. */
export const exportRepository: CliCommand = {
  name: 'export-repository',
  summary: 'write models as a repository for Triton, KServe, Ray Serve, MLServer or Kubernetes',
  arguments: [
    {
      name: 'models',
      description: 'ONNX files; name=file sets the name of a model',
      required: true,
      variadic: true,
    },
  ],
  options: [
    {
      flags: '-o, --out <folder>',
      description: 'folder of the repository; existing models are kept',
      type: 'path',
      default: 'model_repository',
    },
    {
      flags: '--server <name>',
      description: 'server of the repository; kserve: with its Triton runtime; kubernetes: forja serve in pods',
      default: 'triton',
      choices: SERVER_NAMES,
    },
    {
      flags: '--model-version <n>',
      description: 'version of the models',
      type: 'integer',
      default: 1,
      range: [1, 2 ** 31 - 1],
    },
    {
      flags: '--max-batch <n>',
      description: 'maximum rows per run; 1: requests do not share runs',
      type: 'integer',
      default: 64,
      range: [1, 65_536],
    },
    {
      flags: '--delay <us>',
      description: 'microseconds that a request waits for others to share its run',
      type: 'integer',
      default: 0,
      range: [0, 60_000_000],
    },
    {
      flags: '--instances <n>',
      description: 'copies of a model: on each device, or replicas',
      type: 'integer',
      default: 1,
      range: [1, 1024],
    },
    {
      flags: '--device <kind>',
      description: 'device on which the server runs the models',
      default: 'gpu',
      choices: ['gpu', 'cpu'],
    },
  ],
  examples: [
    'forja export-repository generator.onnx',
    'forja export-repository digits=runs/demo/generator.onnx faces.onnx -o /srv/models --device cpu --delay 500',
    'forja export-repository digits=runs/demo/generator.onnx -o models --server kserve --instances 2',
    'forja export-repository generator.onnx --server ray --device cpu --max-batch 32',
    'forja export-repository generator.onnx -o cluster --server kubernetes --device cpu --instances 3',
  ],
  async run(raw, io) {
    // the cast: `Args` has the options above
    const { out, server, modelVersion: version, maxBatch, delay, instances, device, ...rest } = raw as unknown as Args;
    const models = modelsOf('export-repository', rest.models, io.cwd);
    checkLocal('export-repository --out', out);
    const folder = resolve(io.cwd, out);
    const { writeEntry } = await import('../repository/write.js');
    const { SERVERS } = await import('../repository/servers.js');
    const entries = [];
    for (const [name, path] of Object.entries(models)) {
      const entry = await writeEntry(path, folder, version, server, {
        name,
        maxBatch,
        delayUs: delay,
        instances,
        device,
      });
      entries.push(entry);
      io.print(
        `${name}, version ${version}: ` +
          (entry.batched
            ? `requests share runs of up to ${maxBatch} rows`
            : 'every request is a separate run, because the model has no dynamic batch'),
      );
    }
    for (const command of SERVERS[server].commands(folder, entries)) io.print(command);
    return { folder, models: entries };
  },
};
