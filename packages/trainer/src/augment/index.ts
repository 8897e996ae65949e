// The augmentations by name, and those that users register. 'diffaug' stands for three of them; 'ada' is a game's
// business, as its probability is state (ada.ts, adaptive.ts).
import type * as tf from '@tensorflow/tfjs';
import { registry } from '../registry.js';
import { random } from '../trace/random.js';
import type { Augmentation, AugmentDraw } from './augmentation.js';
import { color } from './color.js';
import { crop } from './crop.js';
import { cutout } from './cutout.js';
import { flip } from './flip.js';
import { translation } from './translation.js';

export type { Augmentation, AugmentDraw } from './augmentation.js';
export { adaptiveProbability, type AdaOptions, type AdaptiveProbability } from './ada.js';
export { adaptively } from './adaptive.js';

/** Names of the ready augmentations. */
export type AugmentationName = 'color' | 'translation' | 'cutout' | 'flip' | 'crop';

/** The ready augmentations, by name. */
export const augmentations: Readonly<Record<AugmentationName, Augmentation>> = {
  color,
  translation,
  cutout,
  flip,
  crop,
};

/** What DiffAugment applies, in this order (Zhao et al. 2020). */
export const DIFFAUGMENT: readonly AugmentationName[] = ['color', 'translation', 'cutout'];

const all = registry<Augmentation>('augmentation', Object.values(augmentations));

/**
 * Adds an augmentation of your own under its name.
 * @throws UsageError for a name that is empty or taken.
 */
export const registerAugmentation = (augmentation: Augmentation): void => all.add(augmentation);

/**
 * The augmentation called `name`.
 * @throws UsageError `config.invalid` for a name that is none.
 */
export const augmentationOf = (name: string): Augmentation => all.of(name);

/** Names of all augmentations, registered ones too. */
export const augmentationNames = (): string[] => all.names();

/** The numbers of `n` examples, drawn from the step's as `<place>/<name>`. */
export const drawsFor = (n: number, place: string): AugmentDraw => ({
  uniform: (name) => random.uniform([n, 1, 1, 1], `${place}/${name}`),
  normal: (name) => random.normal([n, 1, 1, 1], `${place}/${name}`),
});

/** Pictures through augmentations, one after the other; each draws as `<place>/<augmentation>/<name>`. */
export function augmented(pictures: tf.Tensor4D, list: readonly Augmentation[], place: string): tf.Tensor4D {
  const n = pictures.shape[0];
  return list.reduce((x, one) => one.of(x, drawsFor(n, `${place}/${one.name}`)), pictures);
}
