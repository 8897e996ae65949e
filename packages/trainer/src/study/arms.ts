// What the classifiers of a study are trained on: a row an arm.

/** One way to train the classifier. */
export interface Arm {
  readonly name: string;
  /** In words, for tables. */
  readonly words: string;
  /** Whether pictures are augmented as classifiers' usually are: moved, turned. */
  readonly classical: boolean;
  /** Share of every batch that the generator made. */
  readonly made: number;
}

/** The arms, in the order of the table. The first is what the others are compared with. */
export const ARMS: readonly Arm[] = [
  { name: 'real', words: 'real', classical: false, made: 0 },
  { name: 'classical', words: 'real, augmented', classical: true, made: 0 },
  { name: 'gan', words: 'real + GAN', classical: false, made: 0.5 },
  { name: 'both', words: 'real + GAN, augmented', classical: true, made: 0.5 },
];
