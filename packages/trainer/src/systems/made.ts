// Whether what a user's `make` returned has the parts of a system, before anything is trained: what is wrong with an
// output would otherwise show at the end of a run.
import { describeValue, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { letGo } from '../tfjs/promises.js';
import type { GanSystem } from './system.js';

/** What a part must be, in words, and whether something is. */
type Part = readonly [words: string, fits: (part: unknown) => boolean];
type Parts = Readonly<Record<string, Part>>;

const isFunction = (value: unknown): boolean => typeof value === 'function';
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** Not a path: nothing is written outside the run's folder. */
const isFileName = (value: unknown): boolean => typeof value === 'string' && /^(?!\.+$)[^/\\\0]+$/.test(value);

const SYSTEM: Parts = {
  networks: ['networks by name', isObject],
  variables: ['a list of variables', Array.isArray],
  phases: ['a list of phases', Array.isArray],
  outputs: ['outputs by name', isObject],
  schedules: ['schedules by name', isObject],
  dispose: ['a function', isFunction],
};
const PHASE: Parts = {
  name: ['a text', (value) => typeof value === 'string'],
  inputs: ['inputs by name', isObject],
  step: ['a function', isFunction],
};
const OUTPUT: Parts = {
  model: ['a model or a function', (value) => isFunction(value) || value instanceof tf.LayersModel],
  inputs: ['a list of inputs', Array.isArray],
  outputs: ['a list of outputs', Array.isArray],
  file: ['the name of a file in the folder of the run', isFileName],
};

/**
 * What `make` of the system `name` returned.
 * @throws UsageError `config.invalid` if that is no system: nothing, a promise, or something without a part.
 */
export function checkMade(name: string, made: unknown): GanSystem {
  const refuse = (message: string): UsageError =>
    new UsageError(`system '${name}': ${message}`, { code: 'config.invalid' });
  if (letGo(made)) throw refuse('expected a system from make, got a promise; await what it needs before, not in it');
  const check = (where: string, value: unknown, parts: Parts): void => {
    if (!isObject(value)) throw refuse(`expected an object as ${where}, got ${describeValue(value)}`);
    for (const [part, [words, fits]] of Object.entries(parts)) {
      const found: unknown = Reflect.get(value, part);
      if (!fits(found)) throw refuse(`expected ${words} as ${part} of ${where}, got ${describeValue(found)}`);
    }
  };
  check('what make returns', made, SYSTEM);
  const system = made as GanSystem; // as far as its parts tell
  for (const [i, phase] of system.phases.entries()) check(`phase ${i}`, phase, PHASE);
  for (const [output, one] of Object.entries({ ...system.outputs, ...system.discriminators }))
    check(`output '${output}'`, one, OUTPUT);
  for (const [schedule, rate] of Object.entries(system.schedules) as [string, unknown][])
    if (!isFunction(rate)) throw refuse(`expected a function as schedule '${schedule}', got ${describeValue(rate)}`);
  for (const [i, variable] of (system.variables as readonly unknown[]).entries()) {
    const known = variable instanceof tf.Variable ? variable : undefined;
    if (known?.isDisposed === false) continue;
    const found = known === undefined ? describeValue(variable) : `'${known.name}', which is disposed`;
    throw refuse(`expected a tf.Variable as number ${i} of variables, got ${found}`);
  }
  return system;
}
