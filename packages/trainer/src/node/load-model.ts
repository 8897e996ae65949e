// tfjs models from a folder: model.json and its weight files, layers models and graph models alike.
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve as resolvePath, isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ForjaError, ModelFormatError, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';

/** The parts of model.json that are read. */
interface ModelJson {
  format?: string;
  modelTopology: Record<string, unknown>;
  weightsManifest: { paths: string[]; weights: tf.io.WeightsManifestEntry[] }[];
  [field: string]: unknown;
}

/**
 * Loads a `model.json`, or the one in a folder, with the weight files beside it.
 * @throws ModelFormatError `model.notFound`, `model.format`, `model.truncated`; `model.integrity` for weight files outside the model's folder.
 */
export async function loadTfjsModel(source: string): Promise<tf.LayersModel | tf.GraphModel> {
  const path = (await stat(source).catch(() => undefined))?.isDirectory() === true ? join(source, 'model.json') : source;
  const text = new TextDecoder().decode(await read(path));
  const json = parse(text, path);
  const specs = json.weightsManifest.flatMap(({ weights }) => weights);
  const weights = await shards(json, dirname(resolvePath(path)));
  checkLength(path, specs, weights.byteLength);
  const { weightsManifest: _, ...rest } = json;
  const artifacts: tf.io.ModelArtifacts = { ...rest, weightSpecs: specs, weightData: weights };
  const handler: tf.io.IOHandler = { load: () => Promise.resolve(artifacts) };
  try {
    return isGraph(json) ? await tf.loadGraphModel(handler) : await tf.loadLayersModel(handler);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const unknown = /Unknown layer|Unknown initializer|Unknown regularizer|Unknown constraint/.test(message);
    throw new ModelFormatError(unknown ? 'model.unsupported' : 'model.format', `${path}: tfjs cannot load it: ${message}${unknown ? '; register custom layers in a module and name it with --import' : ''}`, { cause });
  }
}

/** Imports a user's module for its side effects, such as registering custom layers. `name` is a path relative to `cwd`, or a package. */
export async function importUserModule(name: string, cwd: string): Promise<void> {
  const path = resolvePath(cwd, name);
  const isFile = (await stat(path).catch(() => undefined))?.isFile() === true;
  try {
    await import(isFile ? pathToFileURL(path).href : name);
  } catch (cause) {
    throw new UsageError(`--import ${name}: expected a module that can be imported, got ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException; // what node:fs rejects with
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') throw new ModelFormatError('model.notFound', `${path}: expected a file, got ${code === 'EISDIR' ? 'a folder' : 'nothing'} there`, { cause });
    throw new ForjaError('io', `${path}: cannot be read: ${message}`, { cause });
  }
}

function parse(text: string, path: string): ModelJson {
  const wrong = (got: string, cause?: unknown): never => {
    throw new ModelFormatError('model.format', `${path}: expected a tfjs model.json (modelTopology and weightsManifest), got ${got}`, { cause });
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return wrong(/^\s*</.test(text) ? 'HTML or XML' : text.trim() === '' ? 'an empty file' : 'something that is not JSON', cause);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return wrong('other JSON');
  const { modelTopology, weightsManifest } = json as Record<string, unknown>;
  if (typeof modelTopology !== 'object' || modelTopology === null) return wrong('JSON without modelTopology');
  const groups: unknown[] = Array.isArray(weightsManifest) ? weightsManifest : wrong('JSON without weightsManifest');
  for (const group of groups) {
    const { paths, weights } = (group ?? {}) as Record<string, unknown>;
    if (!Array.isArray(paths) || !paths.every((p) => typeof p === 'string') || !Array.isArray(weights)) return wrong('a weightsManifest without paths and weights');
  }
  return json as ModelJson; // its parts were checked above
}

function isGraph({ format, modelTopology }: ModelJson): boolean {
  return format === 'graph-model' || (format === undefined && Array.isArray(modelTopology['node']));
}

/** All weight files after one another, as the manifest orders them. */
async function shards(json: ModelJson, folder: string): Promise<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const path of json.weightsManifest.flatMap(({ paths }) => paths)) {
    const file = resolvePath(folder, path);
    const inside = relative(folder, file);
    if (inside.startsWith('..') || isAbsolute(inside)) throw new ModelFormatError('model.integrity', `${path}: expected weight files inside the model's folder, got a path out of it`);
    parts.push(await read(file));
  }
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all.buffer;
}

const BYTES: Readonly<Record<string, number>> = { float32: 4, int32: 4, uint8: 1, uint16: 2, float16: 2, bool: 1, complex64: 8 };

/** tfjs reads past the end of short weights without a word. */
function checkLength(path: string, specs: readonly tf.io.WeightsManifestEntry[], length: number): void {
  if (specs.some(({ dtype }) => dtype === 'string')) return;
  const wanted = specs.reduce((sum, { shape, dtype, quantization }) => sum + shape.reduce((a, b) => a * b, 1) * (BYTES[quantization?.dtype ?? dtype] ?? 4), 0);
  if (length < wanted) throw new ModelFormatError('model.truncated', `${path}: expected ${wanted} bytes of weights, got ${length}; a weight file is cut short`);
}
