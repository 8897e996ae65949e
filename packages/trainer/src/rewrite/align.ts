// Dynamic dims: traces of one function at several sizes, laid side by side. Every number that differs is solved as an
// expression of the named dims.
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

/** A line about one call for messages. */
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

/** Whether no other step of the dims can make traces of the function alike. */
export function isHopeless(error: unknown): boolean {
  return typeof error === 'object' && error !== null && hopeless.has(error);
}

/**
 * Whether the traces do not fit each other, all sizes being whole. What tfjs refuses at some size, or a size that is
 * none, may be whole at multiples.
 */
export function isWhole(error: unknown): boolean {
  return typeof error === 'object' && error !== null && settled.has(error) && !fractions.has(error);
}

/**
 * Whether the function does different things at different sizes, all of which it takes: it calls other kernels, or
 * gives them other numbers where all shapes are as arithmetic has them. At multiples of some step it would seem to do
 * one thing only.
 */
export function isBranch(error: unknown): boolean {
  return typeof error === 'object' && error !== null && branches.has(error);
}

/** An error of that kind. */
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

/** Attributes that take any number, not sizes only. */
const MEASURED: Readonly<Record<string, readonly string[]>> = {
  Fill: ['value'],
  LinSpace: ['start', 'stop'],
  Range: ['start', 'stop', 'step'],
};

/**
 * One program for all sizes: shapes and attributes, lists inside them too, hold SymbolicSizes where the traces differ.
 * It takes one trace more than there are named dims, at sizes that tell them apart; each further trace is a check.
 * Constants that grow with a dim become a `Fill` or `Tile`, numbers that count one a `Fill`. With `steps`, a dim is a
 * multiple of its step at every trace, and the program holds for such sizes only.
 * @throws ExportError `export.unsupported` where the traces call different kernels or no expression of the dims gives a
 * number, naming kernel, layer and call site.
 * @throws UsageError for traces that cannot tell the dims apart.
 */
export function align(traces: readonly SizedProgram[], steps: Readonly<Record<string, number>> = {}): Program {
  const [first] = traces;
  if (first === undefined) throw new UsageError('align: expected at least one program');
  const sizes = traces.map((t) => t.sizes);
  const solve = solver(sizes, steps);
  const dims = Object.keys(first.sizes).map((name) => dimSize(name, steps[name]));
  const measure = measureSolver(solve, dims, (size) => sizes.map((s) => evaluateSize(size, s) ?? NaN));
  // Dead code first: shapes that a graph model only reads back are constants that differ, and nothing depends on them.
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
        `expected the same rank at every size, got ${shapes.map((s) => `[${s.map(sizeText).join(', ')}]`).join(' and ')}`,
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
    // Every shape was solved: the numbers are what differs.
    if (error instanceof ExportError) branches.add(error);
    throw error;
  }
}

/** What {@link align} works with. */
interface Alignment {
  sizes: readonly SizedProgram['sizes'][];
  steps: Readonly<Record<string, number>>;
  dims: readonly Size[];
  solve: Solver;
  measure: MeasureSolver;
}

/** Symbolic sizes that a call has in its inputs. */
function openSizes(call: KernelCall | undefined, shape: (id: ValueId) => readonly Size[]): Size[] {
  return call === undefined
    ? []
    : callInputs(call)
        .flatMap(shape)
        .filter((size) => !isStatic(size));
}

/** The program whose shapes are solved, with its attributes and constants. */
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
            { near: hints, solve, ...(MEASURED[call.kernel]?.includes(name) === true ? { measure } : {}) },
            where(call),
            name,
          ),
        ] as const,
    );
    return { ...call, attrs: Object.fromEntries(attrs) };
  });

  const program: Program = { ...base, values, calls, constants: new Map() };
  /** A solver from some of the traces, and how a size is at the others. */
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
            "expected the same numbers at every size, got different ones: they depend on the size, or are random. Compute them with tfjs ops from the inputs; draw random numbers with Forja's random",
          )),
      );
    } else {
      leading.push(
        ...(fromSlices(program, id, versions) ??
          fromSteps(program, id, versions, (rows) => within(rows, near(reader))) ??
          refuse(
            at,
            `expected numbers that repeat along the dynamic dims of [${shape(id).map(sizeText).join(', ')}], or one row of equal steps, got others; compute them with tfjs ops from the inputs`,
          )),
      );
    }
  }
  return { ...program, calls: [...leading, ...calls] };
}

/** Where one trace makes other calls than another, in words. */
export function branchOf(base: Program, other: Program): string {
  try {
    checkStructure([alignable(base), alignable(other)], () => undefined);
  } catch (error) {
    return error instanceof ExportError ? error.message : String(error);
  }
  return 'the function makes other calls at another size';
}

/** The traces must be the same calls on the same values. */
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
          `expected the same calls at every size, got ${twin === undefined ? 'none' : where(twin)} at another one: the function branches on a size`,
          branches,
        );
      }
      if (twin.outputs.length !== call.outputs.length) {
        const count = solve(programs.map((p) => p.calls[index]?.outputs.length ?? 0));
        const why =
          'a dynamic dim cannot be unstacked. What loops over it, as recurrent layers do over time, is written out step by step; fix that dim';
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
      `expected ${what} that sums, products and whole parts of the dynamic dims give, got ${numbers.join(', ')} at the sizes traced; fix that dim`,
      numbers.every(Number.isInteger) ? undefined : fractions,
    )
  );
}

/** What explains the numbers of an attribute. */
interface Explained {
  near: readonly Size[];
  solve: Solver;
  /** Only where the attribute takes any number. */
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
