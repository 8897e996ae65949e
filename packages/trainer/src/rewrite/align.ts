// Dynamic dims: combines traces of one function at several sizes into one program. Every number that differs between
// them is solved as an expression of the named dims.
import { ExportError, UsageError } from '@forja/core';
import {
  callInputs,
  sameData,
  type KernelCall,
  type Program,
  type ProgramValue,
  type ValueId,
} from '../program/program.js';
import { dimSize, evaluateSize, isStatic, sizeText, type Measure, type Size } from '../program/size.js';
import { attributeKey } from '../program/attribute-key.js';

import type { AttrName } from '../kernels/attributes.js';
import type { KernelName } from '../kernels/names.js';
import { rowOf } from '../kernels/rows.js';
import { alignable } from './rows.js';
import { measureSolver, type MeasureSolver } from './measure.js';
import { fromSizes, fromSteps, type RowSolver } from './sized.js';
import { fromSlices } from './sliced.js';
import { solver, type Solver } from './solve.js';
import { windowedSize } from './windowed.js';

/** A program traced at these sizes of the named dims. */
export interface SizedProgram {
  program: Program;
  sizes: Record<string, number>;
}

/** Describes a call in error messages: kernel, layer, call site. */
function where(call: KernelCall): string {
  return [
    call.kernel,
    ...(call.layer === undefined ? [] : [`layer ${call.layer}`]),
    ...(call.site === undefined ? [] : [`at ${call.site}`]),
  ].join(', ');
}

const [hopeless, fractions, settled, branches] = [
  new WeakSet<object>(),
  new WeakSet<object>(),
  new WeakSet<object>(),
  new WeakSet<object>(),
];

/** True if no choice of steps can make these traces align. */
export function isHopeless(error: unknown): boolean {
  return typeof error === 'object' && error !== null && hopeless.has(error);
}

/**
 * True if the traces differ although every size is an integer. If tfjs refused a size, or a size was fractional, the
 * traces may still align at multiples of a step.
 */
export function isIntegerMismatch(error: unknown): boolean {
  return typeof error === 'object' && error !== null && settled.has(error) && !fractions.has(error);
}

/**
 * True if the function branches on a size: it calls other kernels, or passes other numbers although all shapes follow
 * from arithmetic. Sizes that are multiples of a step could hide such a branch.
 */
export function isBranch(error: unknown): boolean {
  return typeof error === 'object' && error !== null && branches.has(error);
}

/** An error for which {@link isBranch} is true. */
export function branchError(message: string): ExportError {
  const error = new ExportError('export.unsupported', message);
  branches.add(error);
  return error;
}

function refuse(at: string, why: string, kind?: WeakSet<object>): never {
  const error = new ExportError('export.unsupported', `${at}: ${why}`);
  settled.add(error);
  kind?.add(error);
  throw error;
}

/** Attributes that may hold any number, not only sizes. */
const MEASURED: { readonly [K in KernelName]?: readonly AttrName<K>[] } = {
  Fill: ['value'],
  LinSpace: ['start', 'stop'],
  Range: ['start', 'stop', 'step'],
};

/**
 * Makes one program for all sizes: shapes and attributes, including lists in them, hold symbolic sizes where the traces
 * differ. Needs one trace more than there are named dims, at linearly independent sizes; each further trace checks the
 * result. Constants that grow with a dim become a `Fill`, a `Tile` or (an arithmetic sequence) a `Range`; constants
 * whose numbers are computed from dims become a `Fill`. With `steps`, each dim is a multiple of its step in every
 * trace, and the program holds only for such sizes.
 * @throws ExportError `export.unsupported` where the traces call different kernels, or where no expression of the dims
 * gives the numbers seen. The message names kernel, layer and call site.
 * @throws UsageError if the sizes of the traces do not determine the dims.
 */
export function align(traces: readonly SizedProgram[], steps: Readonly<Record<string, number>> = {}): Program {
  const [first] = traces;
  if (first === undefined) throw new UsageError('align: expected at least one program');
  const sizes = traces.map((t) => t.sizes);
  const solve = solver(sizes, steps);
  const dims = Object.keys(first.sizes).map((name) => dimSize(name, steps[name]));
  const measure = measureSolver(solve, dims, (size) => sizes.map((s) => evaluateSize(size, s) ?? NaN));
  // Remove dead code first: a graph model reads shapes back as constants, which differ between traces though nothing
  // uses them.
  const programs = traces.map((t) => alignable(t.program));
  const base = programs[0] ?? first.program;
  checkStructure(programs, solve);

  const made = new Map<ValueId, KernelCall>();
  for (const call of base.calls) for (const id of call.outputs) made.set(id, call);
  const titles = new Map(base.inputs.map((input) => [input.value, `input ${input.name}`]));
  const values: ProgramValue[] = [];
  const shape = (id: ValueId): readonly Size[] => values[id]?.shape ?? [];
  const near = (call: KernelCall | undefined): Size[] => openSizes(call, shape);
  for (const [id, { dtype }] of base.values.entries()) {
    const call = made.get(id);
    const at = call === undefined ? (titles.get(id) ?? 'a constant') : where(call);
    const shapes = programs.map((p) => p.values[id]?.shape ?? []);
    if (!shapes.every((s) => s.length === shapes[0]?.length))
      refuse(
        at,
        'expected the same rank at every size, got ' +
          `${shapes.map((s) => `[${s.map(sizeText).join(', ')}]`).join(' and ')}`,
        branches,
      );
    const axes = (shapes[0] ?? []).map((_, axis) => {
      const numbers = shapes.map((s) => Number(s[axis]));
      const formula = windowedSize(call, axis, shape);
      if (formula !== undefined && sizes.every((s, i) => evaluateSize(formula, s) === numbers[i])) return formula;
      return solveSize(numbers, near(call), solve, at, 'a size');
    });
    values.push({ dtype, shape: axes });
  }
  try {
    return withNumbers(base, programs, values, { sizes, steps, dims, solve, measure });
  } catch (error) {
    // All shapes were solved, so what differs is a number that the function chose: a branch.
    if (error instanceof ExportError) branches.add(error);
    throw error;
  }
}

/** State of {@link align}. */
interface Alignment {
  sizes: readonly SizedProgram['sizes'][];
  steps: Readonly<Record<string, number>>;
  dims: readonly Size[];
  solve: Solver;
  measure: MeasureSolver;
}

/** Symbolic sizes in the shapes of the call's inputs. */
function openSizes(call: KernelCall | undefined, shape: (id: ValueId) => readonly Size[]): Size[] {
  return call === undefined
    ? []
    : callInputs(call)
        .flatMap(shape)
        .filter((size) => !isStatic(size));
}

/** Solves attributes and constants of the program, whose shapes are solved already. */
function withNumbers(
  base: Program,
  programs: readonly Program[],
  values: ProgramValue[],
  { sizes, steps, dims, solve, measure }: Alignment,
): Program {
  const shape = (id: ValueId): readonly Size[] => values[id]?.shape ?? [];
  const near = (call: KernelCall | undefined): Size[] => openSizes(call, shape);
  const calls = base.calls.map((call, index) => {
    const hints = [...call.outputs.flatMap(shape).filter((size) => !isStatic(size)), ...near(call)];
    const attrs = Object.keys(call.attrs).map(
      (name) =>
        [
          name,
          solveAttribute(
            programs.map((p) => p.calls[index]?.attrs[name]),
            {
              near: hints,
              solve,
              ...(rowOf<readonly string[]>(MEASURED, call.kernel)?.includes(name) === true ? { measure } : {}),
            },
            where(call),
            name,
          ),
        ] as const,
    );
    return { ...call, attrs: Object.fromEntries(attrs) };
  });

  const program: Program = { ...base, values, calls, constants: new Map() };
  /** A solver that uses some of the traces, and the values of a size at these traces. */
  const within = (rows: readonly number[], open: readonly Size[]): RowSolver => {
    const some = sizes.filter((_, row) => rows.includes(row));
    const whole = solver(some, steps);
    const other = measureSolver(whole, dims, (size) => some.map((s) => evaluateSize(size, s) ?? NaN));
    return {
      solve: (numbers) =>
        (numbers.every(Number.isSafeInteger) ? whole(numbers, open) : undefined) ?? other(numbers, open),
      evaluate: (size) => sizes.map((s) => evaluateSize(size, s) ?? NaN),
    };
  };
  const leading: KernelCall[] = [];
  const readers = new Map<ValueId, KernelCall>();
  for (const call of base.calls) for (const id of callInputs(call)) if (!readers.has(id)) readers.set(id, call);
  for (const id of base.constants.keys()) {
    const reader = readers.get(id);
    const at = `a constant${reader === undefined ? '' : ` of ${where(reader)}`}`;
    const versions = programs.map((p) => ({
      shape: (p.values[id]?.shape ?? []).map(Number),
      data: p.constants.get(id) ?? new Float32Array(),
    }));
    const data = versions[0]?.data ?? new Float32Array();
    const number = (numbers: readonly number[]): Size | Measure | undefined =>
      (numbers.every(Number.isSafeInteger) ? solve(numbers, near(reader)) : undefined) ??
      measure(numbers, near(reader));
    if (versions.every((v) => sameData(v.data, data)) && shape(id).every(isStatic)) program.constants.set(id, data);
    else if (shape(id).every(isStatic)) {
      leading.push(
        ...(fromSizes(
          program,
          id,
          versions.map((v) => v.data),
          number,
        ) ??
          refuse(
            at,
            'expected the same numbers at every size, got different ones: they depend on the size, or are ' +
              "random. Compute them with tfjs ops from the inputs; draw random numbers with Forja's random",
          )),
      );
    } else {
      leading.push(
        ...(fromSlices(program, id, versions) ??
          fromSteps(program, id, versions, (rows) => within(rows, near(reader))) ??
          refuse(
            at,
            `expected numbers that repeat along the dynamic dims of [${shape(id).map(sizeText).join(', ')}], ` +
              'or an arithmetic sequence, got others; compute them with tfjs ops from the inputs',
          )),
      );
    }
  }
  return { ...program, calls: [...leading, ...calls] };
}

/** Describes where two traces make different calls. */
export function branchOf(base: Program, other: Program): string {
  try {
    checkStructure([alignable(base), alignable(other)], () => undefined);
  } catch (error) {
    return error instanceof ExportError ? error.message : String(error);
  }
  return 'the function makes different calls at different sizes';
}

/** Throws unless all traces make the same calls on the same values. */
function checkStructure(programs: readonly Program[], solve: Solver): void {
  const [base] = programs;
  if (base === undefined) return;
  for (const other of programs) {
    for (const [index, call] of base.calls.entries()) {
      const twin = other.calls[index];
      if (
        twin === undefined ||
        twin.kernel !== call.kernel ||
        attributeKey(twin.inputs) !== attributeKey(call.inputs)
      ) {
        refuse(
          where(call),
          `expected the same calls at every size, got ${twin === undefined ? 'none' : where(twin)} at ` +
            'another one: the function branches on a size',
          branches,
        );
      }
      if (twin.outputs.length !== call.outputs.length) {
        const count = solve(programs.map((p) => p.calls[index]?.outputs.length ?? 0));
        const why =
          'a dynamic dim cannot be unstacked, because a loop over it (as in recurrent layers) is unrolled; ' +
          'fix that dim';
        refuse(
          where(call),
          `expected as many results at every size, got ${call.outputs.length} and ${twin.outputs.length}: ${why}`,
          count !== undefined && !isStatic(count) && Object.keys(count.terms).every((key) => !key.includes('('))
            ? hopeless
            : undefined,
        );
      }
    }
    const extra = other.calls[base.calls.length];
    if (extra !== undefined)
      refuse(
        where(extra),
        'expected the same calls at every size, got this one at some sizes only: the function branches on a size',
        branches,
      );
    if (
      attributeKey(other.outputs) !== attributeKey(base.outputs) ||
      attributeKey(other.inputs) !== attributeKey(base.inputs) ||
      attributeKey([...other.constants.keys()]) !== attributeKey([...base.constants.keys()])
    ) {
      refuse('align', 'expected traces of one function, got different inputs, outputs or constants', branches);
    }
  }
}

function solveSize(numbers: readonly number[], near: readonly Size[], solve: Solver, at: string, what: string): Size {
  return (
    solve(numbers, near) ??
    refuse(
      at,
      `expected ${what} that is a sum, product or rounded quotient of the dynamic dims, got ` +
        `${numbers.join(', ')} at the sizes traced; fix that dim`,
      numbers.every(Number.isInteger) ? undefined : fractions,
    )
  );
}

/** Solvers for the numbers of an attribute. */
interface Explained {
  near: readonly Size[];
  solve: Solver;
  /** Only set if the attribute may hold any number. */
  measure?: MeasureSolver;
}

function solveAttribute(versions: readonly unknown[], by: Explained, at: string, name: string): unknown {
  const [first] = versions;
  if (versions.every((v) => attributeKey(v) === attributeKey(first))) return first;
  if (versions.every((v): v is number => typeof v === 'number')) {
    const { near, solve, measure } = by;
    return (
      (measure === undefined
        ? undefined
        : ((versions.every(Number.isSafeInteger) ? solve(versions, near) : undefined) ?? measure(versions, near))) ??
      solveSize(versions, near, solve, at, `an attribute ${name}`)
    );
  }
  if (
    versions.every((v): v is unknown[] => Array.isArray(v)) &&
    versions.every((v) => v.length === versions[0]?.length)
  ) {
    return (versions[0] ?? []).map((_, i) =>
      solveAttribute(
        versions.map((v) => v[i]),
        by,
        at,
        name,
      ),
    );
  }
  return refuse(
    at,
    `expected attribute ${name} to be the same at every size, got ${versions.map(attributeKey).join(' and ')}`,
  );
}
