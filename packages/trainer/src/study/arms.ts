// The arms of a study: the kinds of training data that its classifiers are compared on, one per row.

/** One way to train the classifier. */
export interface Arm {
  readonly name: string;
  /** Description for tables. */
  readonly words: string;
  /** Whether classical augmentation (shifts, rotations) is applied. */
  readonly classical: boolean;
  /** Share of generated examples in every batch. */
  readonly made: number;
}

/** The arms, in the order of the table. The others are compared with the first. */
export const ARMS: readonly Arm[] = [
  { name: 'real', words: 'real', classical: false, made: 0 },
  { name: 'classical', words: 'real, augmented', classical: true, made: 0 },
  { name: 'gan', words: 'real + GAN', classical: false, made: 0.5 },
  { name: 'both', words: 'real + GAN, augmented', classical: true, made: 0.5 },
];
