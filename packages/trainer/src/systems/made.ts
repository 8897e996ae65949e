// Checks, before training, that a user's `make` returned all parts of a system: a wrong output would otherwise cause an
// error only at the end of a run.
import { describeValue, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { holdsPromise } from '../tfjs/promises.js';
import type { GanSystem } from './system.js';

/** A part's description for errors, and its check. */
type Part = readonly [words: string, fits: (part: unknown) => boolean];
type Parts = Readonly<Record<string, Part>>;

const isFunction = (value: unknown): boolean => typeof value === 'function';
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/**
 * A plain name, not a path, so that nothing is written outside the run's folder, and not the name of another of its
 * files.
 */
const isFileName = (value: unknown): boolean => typeof value === 'string' && /^(?!best-)[^/\\\0]+\.onnx$/.test(value);

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
  file: ['the name of a file in the folder of the run, such as generator.onnx', isFileName],
};

/**
 * Checks what `make` of the system `name` returned, and returns it. @throws UsageError `config.invalid` if it is not a
 * system: nothing, a promise, or something with a missing part.
 */
export function checkMade(name: string, made: unknown): GanSystem {
  const refuse = (message: string): UsageError =>
    new UsageError(`system '${name}': ${message}`, { code: 'config.invalid' });
  if (holdsPromise(made))
    throw refuse('expected a system from make, got a promise; await before calling make, not inside it');
  const check = (where: string, value: unknown, parts: Parts): void => {
    if (!isObject(value)) throw refuse(`expected an object as ${where}, got ${describeValue(value)}`);
    for (const [part, [words, fits]] of Object.entries(parts)) {
      const found: unknown = Reflect.get(value, part);
      if (!fits(found)) throw refuse(`expected ${words} as ${part} of ${where}, got ${describeValue(found)}`);
    }
  };
  check('what make returns', made, SYSTEM);
  const system = made as GanSystem; // its parts were checked
  for (const [i, phase] of system.phases.entries()) check(`phase ${i}`, phase, PHASE);
  for (const [output, one] of Object.entries({ ...system.outputs, ...system.discriminators }))
    check(`output '${output}'`, one, OUTPUT);
  const files = Object.values({ ...system.outputs, ...system.discriminators }).map(({ file }) => file);
  const twice = files.find((file, i) => files.indexOf(file) < i);
  if (twice !== undefined) throw refuse(`expected outputs with files of different names, got '${twice}' twice`);
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
