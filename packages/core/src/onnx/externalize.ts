// Moves a model's weights into one external file, and back. An ONNX file is limited to 2 GiB, and runtimes can
// memory-map external data.
import { ModelFormatError, UsageError } from '../errors.js';
import { classOf, optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import { littleEndian } from './build/constants.js';
import { EXTERNAL, externalDataOf, isSafeLocation } from './external-data.js';
import { givenModel } from './given.js';
import { DATA_TYPE, type Model, type TensorProto } from './ir.js';

/** Options of {@link externalizeModel}. */
export interface ExternalizeOptions {
  /** Name of the file, in or below the model's folder. Default `model.onnx.data`. */
  location?: string;
  /**
   * Tensors of fewer bytes stay in the model. Default 4096, because runtimes read small ones while they build the
   * graph.
   */
  least?: number;
}

/** A model and its external files. */
export interface ExternalModel {
  model: Model;
  /** Contents by location. */
  external: Map<string, Uint8Array>;
}

/**
 * Memory page size: runtimes map tensors that are page-aligned. Large ones are aligned to 64 KiB, as Windows requires.
 */
const PAGE = 4096;
const LARGE_PAGE = 65536;
const LARGE = 2 ** 20;

/** Bytes of the tensors of a model's graph. */
export function weightBytes(model: Model): number {
  return (givenModel('weightBytes', model).graph?.initializers ?? []).reduce(
    (sum, tensor) => sum + (bytesOf(tensor)?.length ?? 0),
    0,
  );
}

/**
 * The model with its large initializers in one external file, each page-aligned. The given model is not changed; a
 * model without large initializers is returned without a file. Initializers that are external already stay so: their
 * file must have another name.
 */
export function externalizeModel(model: Model, options: ExternalizeOptions = {}): ExternalModel {
  const { location = 'model.onnx.data', least = PAGE } = optionsOf('externalizeModel', options, 'least location');
  if (!isSafeLocation(location))
    throw new UsageError(
      `externalizeModel.location: expected a file in or below the model's folder, got ${shown(location)}`,
    );
  const { graph } = givenModel('externalizeModel', model);
  const taken = graph?.initializers.find((tensor) =>
    tensor.externalData.some(({ key, value }) => key === 'location' && value === location),
  );
  if (taken !== undefined)
    throw new UsageError(
      `externalizeModel.location: expected an unused file name, got '${location}', which has the data of ` +
        `'${taken.name ?? ''}'`,
    );
  const moved: { at: number; bytes: Uint8Array }[] = [];
  let end = 0;
  const initializers = (graph?.initializers ?? []).map((tensor): TensorProto => {
    const bytes = bytesOf(tensor);
    if (bytes === undefined || bytes.length < Math.max(1, least)) return tensor;
    const page = bytes.length >= LARGE ? LARGE_PAGE : PAGE;
    const at = Math.ceil(end / page) * page;
    moved.push({ at, bytes });
    end = at + bytes.length;
    const { rawData: _, ...rest } = tensor;
    const entry = (key: string, value: string): { key: string; value: string } => ({ key, value });
    return {
      ...rest,
      floatData: new Float32Array(0),
      dataLocation: EXTERNAL,
      externalData: [entry('location', location), entry('offset', String(at)), entry('length', String(bytes.length))],
    };
  });
  if (graph === undefined || moved.length === 0) return { model, external: new Map() };
  const file = new Uint8Array(end);
  for (const { at, bytes } of moved) file.set(bytes, at);
  return { model: { ...model, graph: { ...graph, initializers } }, external: new Map([[location, file]]) };
}

/**
 * The model with its initializers read in from `external` (files by location): views of them, not copies.
 * @throws ModelFormatError `model.notFound` for a missing file, `model.truncated` for one that is too short,
 * `model.format` for a location outside the model's folder.
 */
export function internalizeModel(model: Model, external: ReadonlyMap<string, Uint8Array>): Model {
  const { graph } = givenModel('internalizeModel', model);
  if (classOf(external) !== 'Map')
    throw new UsageError(`internalizeModel: expected a Map of files by location, got ${shown(external)}`);
  if (graph === undefined || !graph.initializers.some(({ dataLocation }) => dataLocation === EXTERNAL)) return model;
  const initializers = graph.initializers.map((tensor): TensorProto => {
    const where = externalDataOf(tensor);
    if (where === undefined) return tensor;
    if (typeof where === 'string')
      throw new ModelFormatError('model.format', `initializer '${tensor.name ?? ''}': ${where}`);
    const file = external.get(where.location);
    if (file === undefined)
      throw new ModelFormatError(
        'model.notFound',
        `initializer '${tensor.name ?? ''}': expected the file '${where.location}', got none; give it in the map ` +
          'of external files',
      );
    const end = where.length === undefined ? file.length : where.offset + where.length;
    if (end > file.length || where.offset > end)
      throw new ModelFormatError(
        'model.truncated',
        `initializer '${tensor.name ?? ''}': expected ${end} bytes in '${where.location}', got ${file.length}; ` +
          'download or export it again',
      );
    const { dataLocation: _, ...rest } = tensor;
    return { ...rest, externalData: [], rawData: file.subarray(where.offset, end) };
  });
  return { ...model, graph: { ...graph, initializers } };
}

/** The bytes of a tensor in the model, if it may be externalized. */
function bytesOf(tensor: TensorProto): Uint8Array | undefined {
  if (tensor.dataLocation === EXTERNAL || tensor.stringData.length > 0 || tensor.segment !== undefined)
    return undefined;
  if (tensor.rawData !== undefined) return tensor.rawData;
  return tensor.dataType === DATA_TYPE.float32 && tensor.floatData.length > 0
    ? littleEndian('float32', tensor.floatData)
    : undefined;
}
