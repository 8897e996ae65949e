// Drawing from a model that wants a class or a text, by who does not care which.
import type { Manifest } from '../manifest/manifest.js';
import { classesOf } from './conditions.js';
import type { DrawOptions } from './options.js';

/**
 * What `sample` must be told to draw any picture: class 0, where the model does not say how many it has; the first word
 * of its vocabulary.
 */
export function someClass({ inputs }: Manifest): Pick<DrawOptions, 'label' | 'text'> {
  const of = (role: 'label' | 'text') => inputs.find((input) => input.role === role);
  const [label, word] = [of('label'), of('text')?.vocabulary?.[1]];
  return {
    ...(label && classesOf(label) === undefined ? { label: 0 } : {}),
    ...(word === undefined ? {} : { text: word }),
  };
}
