// Traces a subject at one choice of sizes.
import { ExportError, ForjaError, type Dim } from '@forja/core';
import type { SizedProgram } from '../rewrite/align.js';
import { siteOf } from '../tfjs/call-site.js';
import { trace, type Trace } from '../trace/trace.js';
import type { Subject } from './subject.js';

/** Sizes of the dynamic dims by name. */
export type Sizes = Record<string, number>;

/** What to record besides the program; see TraceOptions. */
export interface Noted {
  sites?: boolean;
  reads?: boolean;
}

/** The number of a dim. */
export function sizeAt(dim: Dim, sizes: Sizes): number {
  if (typeof dim === 'number') return dim;
  const size = sizes[dim];
  if (size === undefined) throw new RangeError(`no size for ${dim}`);
  return size;
}

/**
 * Traces the function at these sizes, with variables as constants. `sites`: record call sites; not needed for traces
 * that are only compared with the first one.
 */
export function traceAt(subject: Subject, sizes: Sizes, { sites = true, reads = false }: Noted = {}): Trace {
  const inputs = subject.inputs.map(({ name, dtype, shape }) => ({
    name,
    dtype,
    shape: shape.map((dim) => sizeAt(dim, sizes)),
  }));
  try {
    return trace(subject.apply, { inputs, variables: 'constant', share: true, sites, reads });
  } catch (cause) {
    if (cause instanceof ForjaError) throw cause;
    const site = siteOf((cause instanceof Error ? cause.stack : undefined) ?? '');
    const at = Object.entries(sizes)
      .map(([dim, size]) => ` ${dim} ${size}`)
      .join(',');
    throw new ExportError(
      'export.unsupported',
      `trace${site === undefined ? '' : `, at ${site}`}: expected a function that runs${at === '' ? '' : ` at${at}`}, got an error of its own: ${(cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '')}${/is disposed/.test(String(cause)) ? '; a tensor of one call is not there at the next: pass what the function remembers as an input, and return it' : ''}`,
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
    if (isAbort(error)) throw error;
    return undefined;
  }
}

/** Whether the caller ended the export. */
export function isAbort(error: unknown): boolean {
  return error instanceof ForjaError && error.code === 'aborted';
}
