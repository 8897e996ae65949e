// A valid class or text for models that need one, for calls where any will do.
import { UsageError } from '../errors.js';
import type { Manifest } from '../manifest/manifest.js';
import { listOf, optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import { classesOf } from './conditions.js';
import type { DrawOptions } from './options.js';

/**
 * The options that `sample` requires: class 0 if the model does not state the number of classes, and the first word of
 * the vocabulary if the model takes a text.
 */
export function someClass(manifest: Manifest): Pick<DrawOptions, 'label' | 'text'> {
  const inputs = listOf('someClass.inputs', optionsOf('someClass', manifest).inputs);
  const of = (role: 'label' | 'text') => inputs.find((input) => input.role === role);
  const [label, word] = [of('label'), of('text')?.vocabulary?.[1]];
  return {
    ...(label && classesOf(label) === undefined ? { label: 0 } : {}),
    ...(word === undefined ? {} : { text: word }),
  };
}

/** The batch sizes to warm up at. Throws UsageError if it is not a list. */
export function batchSizes(counts: unknown): readonly number[] {
  if (!Array.isArray(counts)) throw new UsageError(`warmup: expected a list of batch sizes, got ${shown(counts)}`);
  return counts as readonly number[]; // `sample` checks each
}
