// State that a function keeps in tf.Variables between calls. A file has no memory, so state is refused, or becomes
// inputs and outputs.
import { ExportError, UsageError, type Tensor } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';
import { permuted } from '../lower/permute.js';
import type { KeptState } from '../trace/trace.js';
import { activeTrace } from '../trace/span.js';
import { orderOf, type LayoutOption } from './describe.js';
import type { Subject, SubjectInput } from './subject.js';

/** How state between calls is exported. */
export type StateOption = 'refuse' | 'explicit';

/** For each state input: the output with its next value, and its initial value, as `createSession` takes them. */
export type StateTable = Record<string, { output: string; initial: Tensor }>;

/** Thrown if a function keeps state between calls; {@link withState} can export it. */
export class StateError extends ExportError {
  constructor(readonly states: readonly KeptState[]) {
    const all = states
      .map(({ name, site }) => `'${name}'${site === undefined ? '' : ` (assigned at ${site})`}`)
      .join(', ');
    const way = states.every(({ variable }) => variable !== undefined)
      ? "; export with state: 'explicit', which makes an input and an output of it, or pass it as an argument and " +
        'return it'
      : '; pass it as an argument and return it, or set stateful: false';
    super(
      'export.unsupported',
      `trace: expected results that depend on the inputs only, got some that depend on ${all}, which the ` +
        `function itself changes from call to call: a file remembers nothing${way}`,
    );
  }
}

/** A subject with its state as inputs and outputs. */
export interface StatefulSubject {
  subject: Subject;
  /** Variables by the name of their input. */
  variables: Map<string, tf.Variable>;
}

/** The subject, with these variables as inputs and their next values as outputs. */
export function withState({ subject, variables }: StatefulSubject, states: readonly KeptState[]): StatefulSubject {
  const all = new Map(variables);
  const taken = new Set(subject.inputs.map(({ name }) => name));
  const inputs = states.map(({ variable, name }): SubjectInput => {
    if (variable === undefined) throw new StateError(states);
    let unique = name;
    while (taken.has(unique)) unique += '_';
    taken.add(unique);
    all.set(unique, variable);
    const { dtype, shape } = variable;
    // programs hold only these types, and this variable was traced into a program
    return { name: unique, dtype: dtype as SubjectInput['dtype'], shape: [...shape], role: 'tensor' };
  });
  const own = inputs.map(({ name }) => [name, all.get(name)] as const);
  return {
    variables: all,
    subject: {
      ...subject,
      inputs: [...subject.inputs, ...inputs],
      apply: (given) => {
        const tracing = activeTrace();
        if (tracing === undefined) throw new UsageError('exportOnnx: expected a trace in progress, got none');
        const { recorder, tensor } = tracing;
        for (const [name, variable] of own)
          if (variable !== undefined && given[name] !== undefined)
            recorder.adopt(variable, recorder.valueOf(given[name]));
        const results = subject.apply(given);
        return {
          ...results,
          ...Object.fromEntries(
            own.flatMap(([name, variable]) =>
              variable === undefined ? [] : [[nextOf(name, results), tensor(recorder.variable(variable).current)]],
            ),
          ),
        };
      },
    },
  };
}

function nextOf(name: string, results: Record<string, unknown>): string {
  let next = `${name}_next`;
  while (Object.hasOwn(results, next)) next += '_';
  return next;
}

/** What the caller needs to keep the state. `outputs` are the file's; the last ones are the state's. */
export function stateTable(
  variables: ReadonlyMap<string, tf.Variable>,
  outputs: readonly { name: string }[],
  layout: LayoutOption,
): StateTable {
  const last = outputs.slice(outputs.length - variables.size);
  return Object.fromEntries(
    [...variables].map(([name, variable], i) => {
      const [order, after] = [layout.inputs, layout.outputs].map((one) => orderOf(variable.shape.length, one));
      if (String(order) !== String(after))
        throw new UsageError(
          `exportOnnx.layout: expected the same layout for inputs and outputs, because the state '${name}' is both, ` +
            `got ${layout.inputs ?? 'nhwc'} and ${layout.outputs ?? 'nhwc'}; set layout.inputs and layout.outputs to ` +
            'the same value',
        );
      const data = variable.dataSync();
      const initial: Tensor = {
        dtype: variable.dtype as Tensor['dtype'], // programs hold only these types
        shape: order === undefined ? [...variable.shape] : order.map((axis) => variable.shape[axis] ?? 1),
        data: order === undefined ? data.slice() : permuted(data, variable.shape, order),
      };
      return [name, { output: last[i]?.name ?? '', initial }];
    }),
  );
}
