// Dynamic dims: traces of one function at several sizes, laid side by side. Every number that differs is solved as an affine expression of the named dims.
import { ExportError, UsageError } from '@forja/core';
import { callInputs, sizeText, type ConstantData, type KernelCall, type Program, type Size } from '../trace/program.js';
import { attributeKey } from './common.js';
import { eliminateDeadCode } from './dead.js';
import { fromSlices } from './sliced.js';
import { solver, type Solver } from './solve.js';

/** A program traced at these sizes of the named dims. */
export interface SizedProgram {
  program: Program;
  sizes: Record<string, number>;
}

/** A line about one call for messages. */
function where(call: KernelCall): string {
  return [call.kernel, ...(call.layer === undefined ? [] : [`layer ${call.layer}`]), ...(call.site === undefined ? [] : [`at ${call.site}`])].join(', ');
}

function refuse(at: string, why: string): never {
  throw new ExportError('export.unsupported', `${at}: ${why}`);
}

/**
 * One program for all sizes: shapes and attributes, lists inside them too, hold SymbolicSizes where the traces differ. It takes one trace more than
 * there are named dims, at sizes that tell them apart (primes); each further trace is a check. Constants that grow with a dim become a `Fill` or `Tile`.
 * @throws ExportError `export.unsupported` where the traces call different kernels or a number is not affine in the dims with whole factors, naming kernel, layer and call site.
 * @throws UsageError for traces that cannot tell the dims apart.
 */
export function align(traces: readonly SizedProgram[]): Program {
  const [first] = traces;
  if (first === undefined) throw new UsageError('align: expected at least one program');
  const solve = solver(traces.map((t) => t.sizes));
  // Dead code first: shapes that a graph model only reads back are constants that differ, and nothing depends on them.
  const programs = traces.map((t) => eliminateDeadCode(t.program));
  const base = programs[0] ?? first.program;
  checkStructure(programs);

  const made = new Map<number, string>();
  for (const call of base.calls) for (const id of call.outputs) made.set(id, where(call));
  for (const input of base.inputs) made.set(input.value, `input ${input.name}`);
  const values = base.values.map(({ dtype }, id) => {
    const at = made.get(id) ?? 'a constant';
    const shapes = programs.map((p) => p.values[id]?.shape ?? []);
    if (!shapes.every((shape) => shape.length === shapes[0]?.length)) refuse(at, `expected the same rank at every size, got ${shapes.map((s) => `[${s.map(sizeText).join(', ')}]`).join(' and ')}`);
    return { dtype, shape: (shapes[0] ?? []).map((_, axis) => solveSize(shapes.map((shape) => Number(shape[axis])), solve, at, 'a size')) };
  });
  const calls = base.calls.map((call, index) => {
    const attrs = Object.keys(call.attrs).map((name) => [name, solveAttribute(programs.map((p) => p.calls[index]?.attrs[name]), solve, where(call), name)] as const);
    return { ...call, attrs: Object.fromEntries(attrs) };
  });

  const program: Program = { ...base, values, calls, constants: new Map() };
  const leading: KernelCall[] = [];
  for (const id of base.constants.keys()) {
    const reader = base.calls.find((call) => callInputs(call).includes(id));
    const at = `a constant${reader === undefined ? '' : ` of ${where(reader)}`}`;
    const versions = programs.map((p) => ({ shape: (p.values[id]?.shape ?? []).map(Number), data: p.constants.get(id) ?? new Float32Array() }));
    const data = versions[0]?.data ?? new Float32Array();
    if ((values[id]?.shape ?? []).every((size) => typeof size === 'number')) {
      if (!versions.every((v) => sameData(v.data, data))) {
        refuse(at, 'expected the same numbers at every size, got different ones: they depend on the size, or are random. Compute them with tfjs ops from the inputs; draw random numbers with Forja\'s random');
      }
      program.constants.set(id, data);
    } else leading.push(...(fromSlices(program, id, versions) ?? refuse(at, `expected numbers that repeat along the dynamic dims of [${(values[id]?.shape ?? []).map(sizeText).join(', ')}], got others; compute them with tfjs ops from the inputs`)));
  }
  return { ...program, calls: [...leading, ...calls] };
}

/** The traces must be the same calls on the same values. */
function checkStructure(programs: readonly Program[]): void {
  const [base] = programs;
  if (base === undefined) return;
  for (const other of programs) {
    for (const [index, call] of base.calls.entries()) {
      const twin = other.calls[index];
      if (twin === undefined || twin.kernel !== call.kernel || attributeKey(twin.inputs) !== attributeKey(call.inputs)) {
        refuse(where(call), `expected the same calls at every size, got ${twin === undefined ? 'none' : where(twin)} at another one: the function branches on a size`);
      }
      if (twin.outputs.length !== call.outputs.length) refuse(where(call), `expected as many results at every size, got ${call.outputs.length} and ${twin.outputs.length}: a dynamic dim cannot be unstacked`);
    }
    const extra = other.calls[base.calls.length];
    if (extra !== undefined) refuse(where(extra), 'expected the same calls at every size, got this one at some sizes only: the function branches on a size');
    if (attributeKey(other.outputs) !== attributeKey(base.outputs) || attributeKey(other.inputs) !== attributeKey(base.inputs) || attributeKey([...other.constants.keys()]) !== attributeKey([...base.constants.keys()])) {
      refuse('align', 'expected traces of one function, got different inputs, outputs or constants');
    }
  }
}

function solveSize(numbers: readonly number[], solve: Solver, at: string, what: string): Size {
  return solve(numbers) ?? refuse(at, `expected ${what} that is a sum of whole multiples of the dynamic dims, got ${numbers.join(', ')} at the sizes traced; fix that dim`);
}

function solveAttribute(versions: readonly unknown[], solve: Solver, at: string, name: string): unknown {
  const [first] = versions;
  if (versions.every((v) => attributeKey(v) === attributeKey(first))) return first;
  if (versions.every((v): v is number => typeof v === 'number')) return solveSize(versions, solve, at, `an attribute ${name}`);
  if (versions.every((v): v is unknown[] => Array.isArray(v)) && versions.every((v) => v.length === versions[0]?.length)) {
    return (versions[0] ?? []).map((_, i) => solveAttribute(versions.map((v) => v[i]), solve, at, name));
  }
  return refuse(at, `expected attribute ${name} to be the same at every size, got ${versions.map(attributeKey).join(' and ')}`);
}

function sameData(a: ConstantData, b: ConstantData): boolean {
  return a.length === b.length && a.every((v, i) => Object.is(v, b[i]));
}
