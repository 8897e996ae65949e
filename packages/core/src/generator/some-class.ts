// A label for callers that need a picture of any class.
import type { Manifest } from '../manifest/manifest.js';
import { classesOf } from './conditions.js';
import type { DrawOptions } from './options.js';

/**
 * Options for `sample` to draw a picture of any class: class 0 if the model does not say how many it has, else none.
 */
export function someClass({ inputs }: Manifest): Pick<DrawOptions, 'label'> {
  const label = inputs.find(({ role }) => role === 'label');
  return label && classesOf(label) === undefined ? { label: 0 } : {};
}
