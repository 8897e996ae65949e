// Augmentation of everything that the discriminator sees: real and generated pictures, in its own update and in the
// generator's.
import { UsageError, nearest } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';
import * as v from 'valibot';
import {
  adaptively,
  adaptiveProbability,
  augmentationNames,
  augmentationOf,
  augmented,
  DIFFAUGMENT,
  drawsFor,
} from '../../augment/index.js';
import type { FieldSpec } from '../../data/dataset.js';
import { described, share, whole } from '../entries.js';
import type { Keep } from './step.js';

const ADA = 'ada';
const names = (): string[] => ['none', 'diffaug', ADA, ...augmentationNames()];
const listOf = (given: string | string[]): string[] => {
  const list = (typeof given === 'string' ? given.split(',') : given).map((name) => name.trim());
  return list
    .filter((name) => name !== 'none')
    .flatMap((name): readonly string[] => (name === 'diffaug' ? DIFFAUGMENT : [name]));
};
const firstUnknown = (list: string[]): string | undefined => list.find((name) => !names().includes(name));

/** Options of the augmentation. */
export const augmentOptions = (standard: string, pictures = 500_000) => ({
  augment: described(
    v.optional(
      v.pipe(
        v.union([v.string(), v.array(v.string())]),
        v.transform(listOf),
        v.check(
          (list) => firstUnknown(list) === undefined,
          ({ input }) => `augmentations (${names().join(', ')})${nearest(firstUnknown(input) ?? '', names())}`,
        ),
        v.check((list) => new Set(list).size === list.length, 'each augmentation once'),
        v.check((list) => !list.includes(ADA) || list.length === 1, `'${ADA}' alone, or others`),
        v.metadata({ choices: names }),
      ),
      standard,
    ),
    'augmentation of everything the discriminator sees: none, diffaug, ada, or names separated by commas',
  ),
  ada: described(
    v.optional(v.strictObject({ target: v.optional(share, 0.6), pictures: v.optional(whole(1, 1e9), pictures) }), {
      target: 0.6,
      pictures,
    }),
    "for augment 'ada': target of the mean sign of the discriminator's logits for real pictures, and number of " +
      'pictures in which the probability can go from 0 to 1',
  ),
});

/** {@link augmentOptions}, parsed. */
export type AugmentOptions = v.InferOutput<v.ObjectSchema<ReturnType<typeof augmentOptions>, undefined>>;

/** Pictures as the discriminator sees them. */
export interface Sight {
  /** `turn` names the random numbers: each call in a step needs its own name. */
  see(pictures: tf.Tensor, turn: string): tf.Tensor;
  /** Called once per update of D with its logits of real pictures: adapts ADA's probability. */
  follow(onReal: tf.Tensor, keep: Keep): void;
  readonly variables: readonly tf.Variable[];
}

/** The augmentation that the options describe. */
export function sightOf({ augment, ada }: AugmentOptions): Sight {
  if (augment.includes(ADA)) {
    const { p, follow, variables } = adaptiveProbability(ada);
    return {
      see: (pictures, turn) => {
        const x = pictures as tf.Tensor4D; // checkAugment has checked the shape
        return adaptively(x, p, drawsFor(x.shape[0], `augment/${turn}`));
      },
      follow: (onReal, keep) => {
        keep('ada_p', p);
        keep('ada_sign', follow(onReal));
      },
      variables,
    };
  }
  return fixedSight(augment);
}

/** Augmentations without state. */
function fixedSight(names: readonly string[]): Sight {
  const list = names.map(augmentationOf);
  return {
    see: (pictures, turn) =>
      // checkAugment or checkPictures has checked that there are four dimensions
      list.length === 0 ? pictures : augmented(pictures as tf.Tensor4D, list, `augment/${turn}`),
    follow: () => {},
    variables: [],
  };
}

/** In games without augmentation, consistency compares pictures with flipped and shifted ones, as in its paper. */
export const shiftedSight = fixedSight(['flip', 'translation']);

/** @throws UsageError `config.invalid` for augmentations of data other than pictures. */
export function checkAugment({ augment }: AugmentOptions, field: FieldSpec | undefined, from: string): void {
  if (augment.length > 0 && field?.shape.length !== 3)
    throw new UsageError(
      `config.augment: expected pictures to augment, got points [${field?.shape.join(', ') ?? ''}] from ${from}; ` +
        'leave augment out',
      { code: 'config.invalid' },
    );
}
