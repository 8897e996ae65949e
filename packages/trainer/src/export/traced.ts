// Traces a subject at one choice of sizes.
import { ExportError, ForjaError, messageOf, type Dim } from '@forja/core';
import type { SizedProgram } from '../rewrite/align.js';
import { siteOf } from '../tfjs/call-site.js';
import { ChanceError } from '../trace/chance.js';
import { trace, type Trace } from '../trace/trace.js';
import { ListenerFailed } from './progress.js';
import { StateError } from './state.js';
import type { Subject } from './subject.js';

/** Advice for a function that keeps a tensor. */
const DISPOSED =
  '; a tensor made in one call is disposed before the next: ' +
  'pass what the function remembers as an input, and return it';

/** The stack of anything thrown, from any realm. */
function stackOf(error: unknown): string {
  const { stack } = Object(error) as { stack?: unknown };
  return typeof stack === 'string' ? stack : '';
}

/** Sizes of the dynamic dims by name. */
export type Sizes = Record<string, number>;

/** What to record besides the program, and how many ms clocks are ahead (`moved`); see TraceOptions. */
export interface Noted {
  sites?: boolean;
  reads?: boolean;
  moved?: number;
}

/** The size of a dim as a number. */
export function sizeAt(dim: Dim, sizes: Sizes): number {
  if (typeof dim === 'number') return dim;
  const size = sizes[dim];
  if (size === undefined) throw new RangeError(`no size for ${dim}`);
  return size;
}

/**
 * Traces the function at these sizes, with variables as constants. `sites`: record call sites; not needed for traces
 * that are only compared with the first one.
 * @throws StateError if the results depend on state that this call changes.
 */
export function traceAt(subject: Subject, sizes: Sizes, { sites = true, reads = false, moved = 0 }: Noted = {}): Trace {
  const inputs = subject.inputs.map(({ name, dtype, shape }) => ({
    name,
    dtype,
    shape: shape.map((dim) => sizeAt(dim, sizes)),
  }));
  try {
    const traced = trace(subject.apply, { inputs, variables: 'constant', share: true, sites, reads, moved });
    if (traced.state.length > 0) throw new StateError(traced.state);
    return traced;
  } catch (cause) {
    if (cause instanceof ForjaError) throw cause;
    const site = siteOf(stackOf(cause));
    const at = Object.entries(sizes)
      .map(([dim, size]) => ` ${dim} ${size}`)
      .join(',');
    const message = messageOf(cause).replace(/\.$/, '');
    throw new ExportError(
      'export.unsupported',
      `trace${site === undefined ? '' : `, at ${site}`}: expected a function that runs${at === '' ? '' : ` at${at}`},` +
        ` got an error of its own: ${message}${/is disposed/.test(String(cause)) ? DISPOSED : ''}`,
      { cause },
    );
  }
}

/**
 * Traces the function, or returns undefined if it does not run at these sizes. tfjs accepts windows larger than the
 * picture and reports sizes ≤ 0; such traces are dropped.
 */
export function traceIfFits(subject: Subject, sizes: Sizes): SizedProgram | undefined {
  try {
    const { program } = traceAt(subject, sizes, { sites: false });
    return program.values.every(({ shape }) => shape.every((size) => Number(size) > 0))
      ? { program, sizes }
      : undefined;
  } catch (error) {
    if (isFinal(error)) throw error;
    return undefined;
  }
}

/**
 * Whether no other sizes can help: the caller or its listener ended the export, or the function depends on more than
 * its inputs.
 */
export function isFinal(error: unknown): boolean {
  return [StateError, ChanceError, ListenerFailed].some((kind) => error instanceof kind) || isAbort(error);
}

/** Whether the caller ended the export. */
function isAbort(error: unknown): boolean {
  return error instanceof ForjaError && error.code === 'aborted';
}
