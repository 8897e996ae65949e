// The augmentations by name, built-in and registered by users. 'diffaug' stands for three of them. 'ada' is not listed
// here: it has state, so games implement it with ada.ts and adaptive.ts.
import type * as tf from '@tensorflow/tfjs';
import { registry } from '../registry.js';
import { random } from '../trace/random.js';
import type { Augmentation, AugmentDraw } from './augmentation.js';
import { color } from './color.js';
import { crop } from './crop.js';
import { cutout } from './cutout.js';
import { flip } from './flip.js';
import { rotation } from './rotation.js';
import { translation } from './translation.js';

export type { Augmentation, AugmentDraw } from './augmentation.js';
export { adaptiveProbability, type AdaOptions, type AdaptiveProbability } from './ada.js';
export { adaptively } from './adaptive.js';

/** Names of the built-in augmentations. */
export type AugmentationName = 'color' | 'translation' | 'cutout' | 'flip' | 'crop' | 'rotation';

/** The built-in augmentations, by name. */
export const augmentations: Readonly<Record<AugmentationName, Augmentation>> = {
  color,
  translation,
  cutout,
  flip,
  crop,
  rotation,
};

/** What DiffAugment applies, in this order (Zhao et al. 2020). */
export const DIFFAUGMENT: readonly AugmentationName[] = ['color', 'translation', 'cutout'];

const all = registry<Augmentation>('augmentation', Object.values(augmentations), { of: 'function' });

/**
 * Adds an augmentation of your own under its name.
 * @throws UsageError for a name that is empty or taken.
 */
export const registerAugmentation = (augmentation: Augmentation): void => all.add(augmentation);

/**
 * The augmentation called `name`.
 * @throws UsageError `config.invalid` for an unknown name.
 */
export const augmentationOf = (name: string): Augmentation => all.of(name);

/** Names of all augmentations, including registered ones. */
export const augmentationNames = (): string[] => all.names();

/** The step's random numbers for `n` examples, in streams `<place>/<name>`. */
export const drawsFor = (n: number, place: string): AugmentDraw => ({
  uniform: (name) => random.uniform([n, 1, 1, 1], `${place}/${name}`),
  normal: (name) => random.normal([n, 1, 1, 1], `${place}/${name}`),
});

/** Applies augmentations in order; each draws from streams `<place>/<augmentation>/<name>`. */
export function augmented(pictures: tf.Tensor4D, list: readonly Augmentation[], place: string): tf.Tensor4D {
  const n = pictures.shape[0];
  return list.reduce((x, one) => one.of(x, drawsFor(n, `${place}/${one.name}`)), pictures);
}
