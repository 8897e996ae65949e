// Schemas of single options, shared by configurations, each with the text that errors use for what is expected.
import { nearest } from '@forja/core';
import * as v from 'valibot';

export { described, whole } from '../data/entries.js';

const finite = v.pipe(v.number(), v.finite('a finite number'));

/** A finite number of at least `least`. */
export const atLeast = (least: number) => v.pipe(finite, v.minValue(least, `a number of at least ${least}`));

/** A finite number above 0. */
export const above0 = v.pipe(finite, v.gtValue(0, 'a number above 0'));

/** A learning rate: above 0, at most 1. */
export const rate = v.pipe(finite, v.gtValue(0, 'a number above 0'), v.maxValue(1, 'a number of at most 1'));

/** A decay or a fraction: from 0 to below 1. */
export const share = v.pipe(
  v.number(),
  v.minValue(0, 'a number from 0 to below 1'),
  v.ltValue(1, 'a number from 0 to below 1'),
);

/** A name of an open set; `names` is called at each check, so that names registered later are accepted too. */
export const named = (what: string, names: () => string[]) =>
  v.pipe(
    v.string(),
    v.check(
      (name) => names().includes(name),
      (issue) => `a ${what} (${names().join(', ')}${nearest(String(issue.input), names())})`,
    ),
    v.metadata({ choices: names }),
  );
