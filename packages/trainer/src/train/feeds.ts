// Inputs of phases and previews from their sources: batches of the data, random numbers, schedules and constants.
import { ARRAY_OF, latents, philoxInteger, sizeOf, tensor, type NamedTensors, type Tensor } from '@forja/core';
import type { Dataset, FieldArray } from '../data/dataset.js';
import { batchReader } from '../data/order.js';
import { isDrawn, type Phase, type PhaseInput, type Source } from '../systems/phase.js';
import type { GanSystem, Output } from '../systems/system.js';
import { drawRandom, namedStream } from '../trace/random.js';

/** Feeds of run `run` of a phase in iteration `step`; random numbers are those of run `draw` (default: `run`). */
export type PhaseFeeds = (step: number, run: number, draw?: number) => Promise<NamedTensors>;

type Random = Extract<Source, { random: unknown }>;

/** Random integers or floats, drawn at (seed, run, stream). */
function drawn(source: Random, shape: readonly number[], at: { seed: number; step: number; stream: number }): Tensor {
  const count = sizeOf(shape);
  if (source.random === 'int') return tensor('int32', shape, philoxInteger(at, count, source.from, source.below));
  const { random: distribution } = source;
  const p = source.p === undefined ? {} : { p: source.p };
  return tensor('float32', shape, drawRandom({ distribution, ...p }, at, count));
}

/** The feeds of a phase, except inputs that the step draws itself; batches have `batch` examples. */
export function phaseFeeds(system: GanSystem, phase: Phase, dataset: Dataset, seed: number, batch: number): PhaseFeeds {
  const inputs = Object.entries(phase.inputs).filter(([, { from }]) => !isDrawn(from));
  const reader = (from: Dataset, held: boolean): ReturnType<typeof batchReader> | undefined => {
    const own = inputs.filter(([, { from }]) => 'data' in from && (from.holdout ?? false) === held);
    const fields = [...new Set(own.flatMap(([, { from }]) => ('data' in from ? [from.data] : [])))];
    const rows = phase === system.probe ? (own[0]?.[1].shape[0] ?? batch) : batch;
    return fields.length > 0 ? batchReader(from, seed, rows, fields) : undefined;
  };
  const [read, readHeld] = [reader(dataset, false), reader(dataset.holdout ?? dataset, true)];
  return async (step, run, draw = run) => {
    const [examples, held] = [(await read?.(run)) ?? {}, (await readHeld?.(run)) ?? {}];
    const fed = ([name, { shape, dtype = 'float32', from }]: [string, PhaseInput]): [string, Tensor] => {
      if ('data' in from)
        return [name, tensor(dtype, shape, (from.holdout ? held : examples)[from.data] as FieldArray)]; // just read
      if ('random' in from)
        return [name, drawn(from, shape, { seed, step: draw, stream: namedStream(phase.name, name) })];
      if ('schedule' in from)
        return [name, tensor(dtype, shape, Float32Array.of(system.schedules[from.schedule]?.(step) ?? NaN))];
      return [name, from.fixed];
    };
    return Object.fromEntries(inputs.map(fed));
  };
}

/** The inputs of an output's preview, and the data fields shown next to it. */
export interface PreviewFeeds {
  inputs: NamedTensors;
  beside: { name: string; value: Tensor }[];
}

/**
 * Feeds of a preview: the same at every step. Latents are those of `generator.sample({ seed })`, so a grid can be
 * reproduced from the file.
 */
export async function previewFeeds(output: Output, dataset: Dataset, seed: number): Promise<PreviewFeeds | undefined> {
  const { preview, inputs } = output;
  if (preview === undefined) return undefined;
  const { count, beside = [], each = 1 } = preview;
  const examples = async (field: string): Promise<Tensor> => {
    const { shape, dtype } = dataset.fields[field] ?? { shape: [], dtype: 'float32' as const };
    const from = dataset.holdout ?? dataset;
    const into = new ARRAY_OF[dtype](count * sizeOf(shape)) as FieldArray; // float32 or int32
    const available = from.parts?.[from.fields[field]?.part ?? ''] ?? from.count;
    await from.read(
      Array.from({ length: count }, (_, i) => Math.floor(i / each) % available),
      { [field]: into },
    );
    return tensor(dtype, [count, ...shape], into);
  };
  const fed = async (name: string, source: Source): Promise<Tensor> => {
    const spec = inputs.find((input) => input.name === name);
    const shape = [count, ...(spec?.shape.slice(1).map(Number) ?? [])];
    if ('data' in source) return examples(source.data);
    if ('fixed' in source) return source.fixed;
    if ('schedule' in source) return tensor('float32', [], Float32Array.of(NaN)); // generators have no schedules
    const { random: distribution } = source;
    if ((distribution === 'normal' || distribution === 'uniform') && spec?.role === 'latent')
      return tensor('float32', shape, latents(seed, 0, count, sizeOf(shape.slice(1)), { distribution }));
    return drawn(source, shape, { seed, step: 0, stream: namedStream('preview', name) });
  };
  const named = await Promise.all(
    Object.entries(preview.inputs).map(async ([name, source]) => [name, await fed(name, source)] as const),
  );
  return {
    inputs: Object.fromEntries(named),
    beside: await Promise.all(beside.map(async (name) => ({ name, value: await examples(name) }))),
  };
}
