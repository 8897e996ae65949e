// Checks a system against its contract before and during training, so that a mistake in a user's system gives one clear
// message.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { StepFunction } from '../compile/step.js';
import type { Dataset } from '../data/dataset.js';
import { FIELD_KINDS, type SystemKind } from './kind.js';
import type { Phase } from './phase.js';
import type { GanSystem } from './system.js';
import { variablesOf } from '../tfjs/variables.js';
import { checkedResults } from '../trace/trace.js';

const refuse = (message: string): UsageError => new UsageError(message, { code: 'config.invalid' });

/** @throws UsageError `config.invalid` for data without a field that the system reads, or of another kind. */
export function checkData({ name, data, signed = false }: SystemKind, dataset: Dataset): void {
  for (const [field, kind] of Object.entries(data)) {
    const found = dataset.fields[field];
    const { words, fits } = FIELD_KINDS[kind];
    if (found !== undefined && fits(found)) {
      if (signed && kind === 'image' && !isSigned(found.range))
        throw refuse(
          `config.data: expected pictures in [-1, 1] in the field '${field}' for the system '${name}', got numbers ` +
            `in [${found.range?.join(', ')}] from ${dataset.name}; scale them (bytes are scaled already)`,
        );
      continue;
    }
    const has = Object.entries(dataset.fields).map(([own, { shape }]) => `${own} [${shape.join(', ')}]`);
    const way = found === undefined && Object.hasOwn(WAYS, field) ? `; ${WAYS[field]}` : '';
    throw refuse(
      `config.data: expected ${words} in the field '${field}' for the system '${name}', got ${
        found === undefined ? `data with ${has.join(', ')}` : `${found.dtype} [${found.shape.join(', ')}]`
      } from ${dataset.name}${way}`,
    );
  }
}

/** False for numbers beyond [-1, 1], and for those that fill [0, 1]: files would declare a range that is not theirs. */
const isSigned = ([low, high]: readonly [number, number] = [-1, 1]): boolean =>
  low >= -1.001 && high <= 1.001 && !(low >= 0 && high > 0.9);

const kinds = (names: string): string =>
  `in a configuration file: "data": { "kind": ${names}, "path": … } (docs/data.md)`;
const PAIRS = `pairs of pictures are data of their own kind, ${kinds('"pairs" or "side-by-side"')}`;
const DOMAINS = `two sets of pictures are data of their own kind, ${kinds('"domains"')}`;

/** Which data has a field, for those that a folder of pictures lacks. */
const WAYS: Readonly<Record<string, string>> = {
  input: PAIRS,
  target: PAIRS,
  a: DOMAINS,
  b: DOMAINS,
  text: `captions are read from data of their own kind, ${kinds('"captions"')}`,
  label: 'classes are subfolders, or the labels of idx files',
};

/** @throws UsageError `config.invalid` for a system with missing, duplicate or out-of-range parts. */
export function checkSystem({ name, variables, phases, outputs, schedules }: GanSystem): void {
  if (phases.length === 0) throw refuse(`system '${name}': expected phases, got none`);
  if (Object.keys(outputs).length === 0) throw refuse(`system '${name}': expected outputs, got none`);
  const duplicateVariable = firstDuplicate(variables.map((variable) => variable.name));
  if (duplicateVariable !== undefined)
    throw refuse(`system '${name}': expected variables of different names, got two called '${duplicateVariable}'`);
  const duplicatePhase = firstDuplicate(phases.map((phase) => phase.name));
  if (duplicatePhase !== undefined)
    throw refuse(`system '${name}': expected phases of different names, got two called '${duplicatePhase}'`);
  for (const phase of phases) {
    for (const field of ['every', 'repeat'] as const)
      if (!(Number.isInteger(phase[field] ?? 1) && (phase[field] ?? 1) >= 1))
        throw refuse(
          `system '${name}', phase '${phase.name}': expected a whole number ≥ 1 for ${field}, got ${phase[field]}`,
        );
    const { from: first = 0, until = Infinity } = phase;
    if (!(Number.isInteger(first) && first >= 0 && until > first))
      throw refuse(
        `system '${name}', phase '${phase.name}': expected a whole number ≥ 0 for from, and until above it, got ` +
          `${first} and ${until}`,
      );
    for (const [input, { from }] of Object.entries(phase.inputs))
      if ('schedule' in from && schedules[from.schedule] === undefined)
        throw refuse(
          `system '${name}', phase '${phase.name}': expected the schedule '${from.schedule}' of its input ` +
            `'${input}' among the system's, got ${Object.keys(schedules).join(', ') || 'none'}`,
        );
  }
}

/** @throws UsageError `config.invalid` for a phase that reads a missing field, or a field in another shape. */
export function checkInputs({ name, phases }: GanSystem, dataset: Dataset): void {
  for (const phase of phases)
    for (const [input, { from, shape }] of Object.entries(phase.inputs)) {
      if (!('data' in from)) continue;
      const where = `system '${name}', phase '${phase.name}', input '${input}'`;
      const field = dataset.fields[from.data];
      if (field === undefined)
        throw refuse(
          `${where}: expected a field of ${dataset.name} (${Object.keys(dataset.fields).join(', ')}), got ` +
            `'${from.data}'`,
        );
      if (String(shape.slice(1)) !== String(field.shape))
        throw refuse(
          `${where}: expected [batch${field.shape.map((d) => `, ${d}`).join('')}], the shape of '${from.data}' in ` +
            `${dataset.name}, got [${shape.join(', ')}]`,
        );
    }
}

/**
 * A phase's step, checked while it runs or is traced.
 * @throws UsageError `config.invalid` for a result that is not a scalar, an assigned variable that is not the system's,
 * and a weight that is assigned twice, for example by two optimizers.
 */
export function checkedStep(system: GanSystem, phase: Phase): StepFunction {
  const where = `system '${system.name}', phase '${phase.name}'`;
  const known = new Set(system.variables);
  // Moving statistics are assigned each time a network is applied.
  const statistics = new Set(Object.values(system.networks).flatMap((model) => variablesOf(model.nonTrainableWeights)));
  return (inputs) => {
    const assigned = new Set<tf.Variable>();
    const made = watchingAssignments(
      (variable) => {
        if (!known.has(variable))
          throw refuse(
            `${where}: expected to assign variables of the system only, got '${variable.name}', which is not ` +
              'in its variables; add it, because it would be lost when the run is resumed',
          );
        if (assigned.has(variable) && !statistics.has(variable))
          throw refuse(
            `${where}: expected one assignment per step, got a second one of '${variable.name}'; combine the ` +
              'updates first',
          );
        assigned.add(variable);
      },
      () => phase.step(inputs),
    );
    const results = checkedResults(where, made);
    for (const [name, value] of Object.entries(results))
      if (value.rank !== 0 || value.dtype !== 'float32')
        throw refuse(
          `${where}: expected scalars, got '${name}' ${value.dtype} [${value.shape.join(', ')}]; return its mean`,
        );
    return results;
  };
}

/** Runs the synchronous `fn` and calls `onAssign` before each `variable.assign` in it. */
function watchingAssignments<T>(onAssign: (variable: tf.Variable) => void, fn: () => T): T {
  const prototype = tf.Variable.prototype;
  const assign = Object.getOwnPropertyDescriptor(prototype, 'assign') as PropertyDescriptor & {
    value: tf.Variable['assign'];
  }; // tfjs's own method
  Object.defineProperty(prototype, 'assign', {
    ...assign,
    value(this: tf.Variable, value: tf.Tensor) {
      onAssign(this);
      assign.value.call(this, value);
    },
  });
  try {
    return fn();
  } finally {
    Object.defineProperty(prototype, 'assign', assign);
  }
}

function firstDuplicate(names: readonly string[]): string | undefined {
  return names.find((name, i) => names.indexOf(name) !== i);
}
