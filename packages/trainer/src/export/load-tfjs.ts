// Loads tfjs models from model.json and its weight files: by URL here, from folders in node/load-model.ts.
import { ForjaError, ModelFormatError, abortError, optionsOf, shown, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { rememberStorage } from './stored.js';
import { checkGraphWeights, checkLengths, isGraphJson, parseModelJson, type ModelJson } from './model-json.js';

/** Options of {@link loadTfjsModel}. */
export interface LoadTfjsOptions {
  signal?: AbortSignal;
  /** Called after each weight file. */
  onProgress?: (event: { file: string; done: number; total: number }) => unknown;
}

/** Reads one file of a model: `''` is the model.json itself, anything else a path that it names. */
export type ReadModelFile = (path: string) => Promise<Uint8Array>;

/**
 * Loads a model whose files are read by `read`; messages call it `name`.
 * @throws ModelFormatError `model.notFound`, `model.format`, `model.truncated`, `model.unsupported` (custom layers that
 * are not registered), `model.integrity` (weight files outside the model's folder).
 */
export async function loadModelFiles(
  name: string,
  read: ReadModelFile,
  { signal, onProgress }: LoadTfjsOptions = {},
): Promise<tf.LayersModel | tf.GraphModel> {
  const json = parseModelJson(new TextDecoder().decode(await read('')), name);
  const graph = isGraphJson(json);
  if (graph) checkGraphWeights(name, json);
  const artifacts = await artifactsOf(name, json, read, {
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  const handler: tf.io.IOHandler = { load: () => Promise.resolve(artifacts) };
  try {
    const model = graph ? await tf.loadGraphModel(handler) : await tf.loadLayersModel(handler);
    const specs = json.weightsManifest.flatMap(({ weights }) => weights);
    rememberStorage(
      model,
      specs.map(({ quantization }) => quantization?.dtype),
    );
    return model;
  } catch (cause) {
    throw await explained(name, json, cause);
  } finally {
    delete artifacts.weightData; // closures in tfjs's graph models keep the artifacts alive, and so the files
  }
}

async function artifactsOf(
  name: string,
  json: ModelJson,
  read: ReadModelFile,
  { signal, onProgress }: LoadTfjsOptions,
): Promise<tf.io.ModelArtifacts> {
  const total = json.weightsManifest.reduce((sum, { paths }) => sum + paths.length, 0);
  const parts: ArrayBuffer[] = [];
  for (const group of json.weightsManifest) {
    const lengths: number[] = [];
    for (const path of group.paths) {
      if (signal?.aborted === true) throw abortError(signal.reason);
      if (leadsOut(path) || leadsOut(decoded(path)))
        throw new ModelFormatError(
          'model.integrity',
          `${name}: expected weight files inside the model's folder, got a path out of it: ${path}`,
        );
      const bytes = await read(path);
      lengths.push(bytes.length);
      // files are never read into shared memory
      parts.push((bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)).buffer as ArrayBuffer);
      await onProgress?.({ file: path, done: parts.length, total });
    }
    checkLengths(name, group, lengths);
  }
  const { weightsManifest, ...rest } = json;
  return { ...rest, weightSpecs: weightsManifest.flatMap(({ weights }) => weights), weightData: parts };
}

/** Turns tfjs's error about a model into ours, with details that tfjs leaves out. */
async function explained(name: string, json: ModelJson, cause: unknown): Promise<ModelFormatError> {
  const message = cause instanceof Error ? cause.message : String(cause);
  const unknown = /Unknown (layer|initializer|regularizer|constraint|activation):? ?'?(\w+)?/.exec(message);
  if (unknown !== null) {
    const [, kind = 'layer', custom = '?'] = unknown;
    return new ModelFormatError(
      'model.unsupported',
      `${name}: expected every ${kind} of the model to be known, got ${kind} '${custom}', which tfjs does not ` +
        'have; register it with tf.serialization.registerClass first, in a module named with --import',
      { cause },
    );
  }
  const mismatch = isGraphJson(json) ? undefined : await layersMismatch(json);
  return new ModelFormatError('model.format', `${name}: ${mismatch ?? `tfjs cannot load it: ${message}`}`, { cause });
}

/** Finds the weight of the manifest that does not match the layers: tfjs reports shapes without the name. */
async function layersMismatch(json: ModelJson): Promise<string | undefined> {
  try {
    const model = await tf.loadLayersModel({ load: () => Promise.resolve({ modelTopology: json.modelTopology }) });
    try {
      const specs = new Map(
        json.weightsManifest.flatMap(({ weights }) => weights.map((weight) => [weight.name, weight] as const)),
      );
      const wanted = model.weights.map((weight) => ({ name: weight.originalName, shape: weight.shape }));
      for (const { name, shape } of wanted) {
        const spec = specs.get(name);
        if (spec === undefined)
          return (
            `expected a weight '${name}' in the weightsManifest, as the topology needs it, got none; topology and ` +
            'weights are of different models'
          );
        if (String(spec.shape) !== String(shape))
          return (
            `expected the weight '${name}' of shape [${shape.join(', ')}], as the topology needs it, got ` +
            `[${spec.shape.join(', ')}] in the weightsManifest`
          );
      }
      const extra = [...specs.keys()].find((name) => !wanted.some((weight) => weight.name === name));
      return extra === undefined
        ? undefined
        : `expected only weights that the topology has, got '${extra}' in the weightsManifest; topology and ` +
            'weights are of different models';
    } finally {
      model.dispose();
    }
  } catch {
    return undefined;
  }
}

/**
 * Loads a layers or graph model by the URL of its model.json, with the weight files next to it. A query string is sent
 * for those too, as in tfjs.
 * @throws ModelFormatError as `loadModelFiles`; ForjaError `io` where the server fails, `aborted`.
 */
export async function loadTfjsModel(
  source: string | URL,
  options: LoadTfjsOptions = {},
): Promise<tf.LayersModel | tf.GraphModel> {
  const { signal } = optionsOf('loadTfjsModel', options, 'onProgress signal');
  const base = (globalThis as { location?: { href: string } }).location?.href;
  let address: URL;
  try {
    address = new URL(source, base);
  } catch (cause) {
    throw new UsageError(`loadTfjsModel: expected the address of a model.json, got ${shown(source)}`, { cause });
  }
  return loadModelFiles(
    address.href,
    (path) => fetched(path === '' ? address : siblingOf(address, path), signal),
    options,
  );
}

function leadsOut(path: string): boolean {
  return /^([a-z][a-z0-9+.-]*:|[\\/])/i.test(path) || path.split(/[\\/]/).includes('..');
}

/** The path with its percent-escapes decoded, as a server reads it. */
function decoded(path: string): string {
  return path.replace(/%[0-9a-f]{2}/gi, (escape) => String.fromCharCode(Number.parseInt(escape.slice(1), 16)));
}

/**
 * The URL of a weight file. As in tfjs, the path is part of a URL: existing escapes are kept, and its own query takes
 * precedence over the address's.
 */
function siblingOf(address: URL, path: string): URL {
  const [, steps = '', query] = /^([^?]*)(\?.*)?$/s.exec(path) ?? [];
  const escaped = steps.split('/').map((step) => encodeURIComponent(step).replace(/%25(?=[0-9a-f]{2})/gi, '%'));
  const file = new URL(escaped.join('/'), address);
  file.search = query ?? address.search;
  return file;
}

async function fetched(address: URL, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    const response = await fetch(address, signal === undefined ? {} : { signal });
    if (response.status === 404 || response.status === 410)
      throw new ModelFormatError('model.notFound', `${address.href}: expected a file, got ${response.status}`);
    if (!response.ok)
      throw new ForjaError(
        'io',
        `${address.href}: the server answered ${response.status} ${response.statusText}`.trim(),
      );
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    if (cause instanceof ForjaError) throw cause;
    if (signal?.aborted === true) throw abortError(signal.reason);
    const why =
      cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : String(cause);
    throw new ForjaError('io', `${address.href}: cannot be fetched: ${why}`, { cause });
  }
}
