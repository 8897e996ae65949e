// Drawing from a model that wants a class, by who does not care which.
import type { Manifest } from '../manifest/manifest.js';
import { classesOf } from './conditions.js';
import type { DrawOptions } from './options.js';

/** What `sample` must be told to draw a picture of any class: 0, where the model does not say how many it has. */
export function someClass({ inputs }: Manifest): Pick<DrawOptions, 'label'> {
  const label = inputs.find(({ role }) => role === 'label');
  return label && classesOf(label) === undefined ? { label: 0 } : {};
}
