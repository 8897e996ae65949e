// A generator's last activation, as an option, and the range of values that its file declares.
import * as v from 'valibot';
import type { OutputOption } from '../../export/describe.js';
import { described } from '../entries.js';

/** The option. The discriminator sees the data's range in both cases. */
export const outputOption = described(
  v.optional(v.picklist(['tanh', 'sigmoid']), 'tanh'),
  "the generator's final activation: tanh, pictures in [-1, 1], or sigmoid, pictures in [0, 1]",
);

const RANGES = { tanh: [-1, 1], sigmoid: [0, 1] } as const;

/** The picture output of the file. */
export const pictureOutput = (output: keyof typeof RANGES): OutputOption => ({
  name: 'image',
  role: 'image',
  range: [...RANGES[output]],
});
