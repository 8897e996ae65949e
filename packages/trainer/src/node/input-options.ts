// Options of the commands export and verify that describe a model's inputs.
import { UsageError, type TensorSpec } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';
import { inputNames, type InputOption } from '../export/subject.js';

/** Specifications such as `z:batch,64`, in the order of the model's inputs. */
export function inputSpecs(command: string, texts: readonly string[] | undefined): TensorSpec[] | undefined {
  return texts?.map((text) => {
    const cut = text.lastIndexOf(':');
    const [name, dims] = [text.slice(0, cut), text.slice(cut + 1)];
    if (cut < 1 || !/^\s*\w+\s*(,\s*\w+\s*)*$/.test(dims))
      throw new UsageError(`${command} --input: expected name:dims such as z:batch,64, got '${text}'`);
    return { name, shape: dims.split(',').map((dim) => (/^\s*\d+\s*$/.test(dim) ? Number(dim) : dim.trim())) };
  });
}

/** Adds ranges to the specifications or, if none are given, to those of the model's own inputs. */
export function withRanges(
  command: string,
  specs: readonly TensorSpec[] | undefined,
  ranges: ReadonlyMap<string, [number, number]>,
  model: tf.LayersModel | tf.GraphModel,
): InputOption[] | undefined {
  if (ranges.size === 0) return specs && [...specs];
  const inputs: InputOption[] = specs ? [...specs] : inputNames(model).map((name) => ({ name }));
  const names = inputs.map(({ name = '' }) => name);
  for (const name of ranges.keys())
    if (!names.includes(name))
      throw new UsageError(`${command} --range: expected an input of the model (${names.join(', ')}), got '${name}'`);
  return inputs.map((input) => {
    const range = ranges.get(input.name ?? '');
    return range === undefined ? input : { ...input, range };
  });
}

/** `label:0,9` as a range, by name. */
export function statedRanges(command: string, texts: readonly string[] = []): Map<string, [number, number]> {
  return new Map(texts.map((text) => pairOf(`${command} --range`, 'name:low,high such as label:0,9', text)));
}

/** `height:32,1024` as the sizes that a dynamic dim will have, by name. */
export function statedBounds(command: string, texts: readonly string[] = []): Record<string, [number, number]> {
  return Object.fromEntries(
    texts.map((text) => pairOf(`${command} --bounds`, 'name:smallest,largest such as height:32,1024', text)),
  );
}

function pairOf(where: string, expected: string, text: string): [string, [number, number]] {
  const cut = text.lastIndexOf(':');
  const ends = text.slice(cut + 1).split(',');
  const [low = NaN, high = NaN] = ends.map((end) => (end.trim() === '' ? NaN : Number(end)));
  if (cut < 1 || ends.length !== 2 || !Number.isFinite(low) || !Number.isFinite(high) || low > high)
    throw new UsageError(`${where}: expected ${expected}, got '${text}'`);
  return [text.slice(0, cut), [low, high]];
}

/** The option `--range`, which both commands have. */
export const RANGE_OPTION = {
  flags: '--range <name:low,high>',
  description: 'values that an input may have, from which verification draws (label:0,9); once for each input',
  type: 'list',
} as const;

/** The option `--bounds` of the export. */
export const BOUNDS_OPTION = {
  flags: '--bounds <name:least,most>',
  description: 'smallest and largest size of a dynamic dim (height:32,1024), if code reads it; once for each dim',
  type: 'list',
} as const;
