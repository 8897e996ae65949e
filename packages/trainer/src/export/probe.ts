// Handles dims whose sizes the function's own code reads. The function may branch on them, which tracing cannot see. So
// it is traced at many sizes up to the largest allowed, and the file is declared valid for the range in which all
// traces agree.
import { branchError, branchOf, type SizedProgram } from '../rewrite/align.js';
import { sameAt } from '../rewrite/same.js';
import type { Program } from '../program/program.js';
import type { SizeRead } from '../trace/reads.js';
import { GREATEST, stepsWithin, type Bounds } from './bounds.js';
import type { Subject } from './subject.js';
import { traceAt, traceIfFits, type Sizes } from './traced.js';

/** A dim whose size the function's own code reads, or whose bounds the caller states. */
export interface ReadDim {
  dim: string;
  /** Where it is read, `file:line:column`; empty if only its bounds are stated. */
  sites: string[];
}

/** The range of sizes that a dim was checked for. */
export interface ProvenDim {
  bounds: [number, number];
  /** Number of sizes that the function was traced at. */
  tried: number;
  sites: string[];
}

/** What to probe. */
export interface Probing {
  subject: Subject;
  /** The first trace, with call sites. */
  first: Program;
  base: Sizes;
  steps: Sizes;
  bounds: Bounds;
  dims: readonly ReadDim[];
}

/** Result of probing. */
export interface Probed {
  dims: Record<string, ProvenDim>;
  /** A trace that the program's numbers do not fit; it must be added to the traces that are solved. */
  wrong?: SizedProgram;
  /** Sizes at which tfjs skips calls: verification must show whether the file is right there. */
  odd: { sizes: Sizes; why: string }[];
}

/**
 * Limits on the number of traces per dim, and on the number of calls in all these traces, so that large networks are
 * traced at fewer sizes.
 */
const [MOST, CALLS] = [160, 30_000];

/** Element count from which a constant made in the function counts as large. */
const LARGE = 2 ** 17;

/** Number of consecutive sizes: they cover every remainder of each divisor up to 16 twice. */
const ROW = 34;

/**
 * Maps reads of sizes to dims: a size belongs to the dim that it changes with. `traces`: the first is at the base
 * sizes; the others change one dim or more.
 */
export function readDims(reads: readonly SizeRead[], traces: readonly SizedProgram[], bounds: Bounds): ReadDim[] {
  const [first, ...others] = traces;
  const sites = new Map<string, Set<string>>(Object.keys(bounds).map((dim) => [dim, new Set()]));
  for (const { value, axis, site } of reads) {
    const changed = others
      .filter(({ program }) => program.values[value]?.shape[axis] !== first?.program.values[value]?.shape[axis])
      .map(({ sizes }) => Object.keys(sizes).filter((dim) => sizes[dim] !== first?.sizes[dim]));
    const single = changed.filter((dims) => dims.length === 1);
    for (const dim of new Set((single.length > 0 ? single : changed).flat())) {
      const known = sites.get(dim) ?? new Set();
      sites.set(dim, site === undefined ? known : known.add(site));
    }
  }
  return [...sites].map(([dim, where]) => ({ dim, sites: [...where] }));
}

/**
 * Traces the function at many sizes of each dim that it reads.
 * @throws ExportError `export.unsupported` if it branches on a size, or does not run within stated bounds.
 */
export function probe(program: Program, on: Probing): Probed {
  const result: Probed = { dims: {}, odd: [] };
  const most = Math.min(MOST, Math.max(3 * ROW, Math.floor(CALLS / Math.max(1, program.calls.length))));
  const seen: { count: number; largest: number; same?: Sizes } = { count: 0, largest: 0 };
  /** Traces at these sizes and compares. Returns whether the function runs there. */
  const runs = (sizes: Sizes, dim: string): boolean => {
    if (result.wrong !== undefined) return true; // the program must be solved again first
    const one = traceIfFits(on.subject, sizes);
    if (one === undefined) return false;
    seen.count++;
    for (const data of one.program.constants.values()) seen.largest = Math.max(seen.largest, data.length);
    const same = sameAt(program, one.program, sizes);
    if (same === false) result.wrong = one;
    if (same === true) seen.same = sizes;
    if (same === undefined) result.odd.push({ sizes, why: oddity(program, seen.same ?? on.base, sizes, dim, on) });
    return true;
  };
  for (const { dim, sites } of on.dims) {
    [seen.count, seen.same] = [0, on.base];
    const step = on.steps[dim] ?? 1;
    const start = (on.base[dim] ?? step) / step;
    const [low, high] = stepsWithin(on.bounds[dim] ?? [1, Math.max(greatestOf(dim, on), 2 * start * step)], step);
    const at = (unit: number): boolean => runs({ ...on.base, [dim]: unit * step }, dim);
    const down = lastOf(descending(start, low), at);
    seen.same = on.base;
    const up = lastOf(ascending(start, high, step, most, on), at);
    if (result.wrong !== undefined) return result;
    const found: [number, number] = [(down ?? start) * step, (up ?? start) * step];
    refuseGaps(found, [low * step, high * step], dim, on);
    result.dims[dim] = { bounds: found, tried: seen.count + 1, sites };
  }
  seen.largest = 0;
  for (const sizes of together(result.dims, on)) {
    // Stop if constants grow with the area: checking further sizes would take too long.
    if (seen.largest > LARGE) break;
    runs(sizes, Object.keys(result.dims).join(', '));
    if (result.wrong !== undefined) return result;
  }
  return result;
}

/** Estimated cost of a trace: its calls, its constants, and what tfjs allocates for its largest tensor. */
function costOf({ calls, values, constants }: Program): number {
  let [largest, tables] = [0, 0];
  for (const { shape } of values)
    largest = Math.max(
      largest,
      shape.reduce<number>((product, size) => product * Number(size), 1),
    );
  for (const data of constants.values()) tables += data.length;
  return calls.length + largest / 2 ** 19 + tables / 2 ** 12;
}

/**
 * The largest size to try: smaller if traces get much more expensive with the size, as when rows are processed one by
 * one.
 */
function greatestOf(dim: string, { subject, first, base, steps }: Probing): number {
  const [step, most] = [steps[dim] ?? 1, 4 * costOf(first) + 500];
  let greatest = GREATEST / 16;
  while (greatest < GREATEST) {
    const one = traceIfFits(subject, { ...base, [dim]: Math.floor((2 * greatest) / step) * step });
    if (one === undefined || costOf(one.program) > most) break;
    greatest *= 2;
  }
  return greatest;
}

/** Narrower bounds than this many sizes are not useful. */
const FEW = 32;

/**
 * The range around the base in which the program agrees with the function at every size, given that it does not at
 * `wrong`; undefined if it is too narrow, or the caller states other bounds.
 */
export function narrowed(program: Program, wrong: Sizes, on: Probing, stated: Bounds): Bounds | undefined {
  const [dim, ...more] = Object.keys(wrong).filter((name) => wrong[name] !== on.base[name]);
  if (dim === undefined || more.length > 0 || Object.hasOwn(stated, dim)) return undefined;
  const step = on.steps[dim] ?? 1;
  const [least, most] = on.bounds[dim] ?? [1, GREATEST];
  const same = (size: number): boolean => {
    const one = traceIfFits(on.subject, { ...on.base, [dim]: size });
    return one !== undefined && sameAt(program, one.program, one.sizes) === true;
  };
  const base = on.base[dim] ?? 1;
  let [low, high] = [base, base];
  while (low - step >= least && same(low - step)) low -= step;
  while (high + step <= most && same(high + step)) high += step;
  return high - low < FEW * step ? undefined : { ...on.bounds, [dim]: [low, high] };
}

/**
 * The last unit for which `runs` holds, before the first failure. Units between two tested ones are found by bisection.
 */
function lastOf(units: readonly number[], runs: (unit: number) => boolean): number | undefined {
  let last: number | undefined;
  for (const unit of units) {
    if (runs(unit)) {
      last = unit;
      continue;
    }
    let [good, bad] = [last ?? unit, unit];
    while (last !== undefined && Math.abs(bad - good) > 1) {
      const middle = Math.trunc((good + bad) / 2);
      if (runs(middle)) good = middle;
      else bad = middle;
    }
    return last === undefined ? undefined : good;
  }
  return last;
}

function descending(start: number, low: number): number[] {
  const all = Array.from({ length: Math.max(0, start - low) }, (_, i) => start - 1 - i);
  return all.length <= 2 * ROW ? all : [...all.slice(0, ROW), ...all.slice(-ROW)];
}

/**
 * Sizes above the first: consecutive ones, powers of two, numbers that appear in the function's source, and evenly
 * spaced ones in between.
 */
function ascending(start: number, high: number, step: number, most: number, { subject }: Probing): number[] {
  const units = new Set<number>();
  for (let i = 1; i <= ROW; i++) units.add(start + i);
  const literals = (subject.text?.match(/\b\d+\b/g) ?? []).map(Number);
  const powers = Array.from({ length: 31 }, (_, i) => 2 ** i);
  for (const number of [...powers, ...literals.slice(0, most)])
    for (const near of [-1, 0, 1]) units.add(Math.floor(number / step) + near);
  for (const last of [high - 1, high]) units.add(last);
  const chosen = [...units].filter((unit) => unit > start && unit <= high);
  // Spread the rest evenly.
  const left = Math.max(0, most - chosen.length - start);
  const stride = (high - start) / (left + 1);
  for (let i = 1; i <= left; i++) units.add(Math.floor(start + i * stride));
  return [...units].filter((unit) => unit > start && unit <= high).sort((a, b) => a - b);
}

/** Combinations in which all dims have similar sizes, small or large, but no two dims the same size. */
function together(dims: Record<string, ProvenDim>, { base, steps }: Probing): Sizes[] {
  if (Object.keys(dims).length < 2) return [];
  const places = Object.keys(dims).filter((dim) => dim !== 'batch');
  const of = (names: readonly string[], size: number): Sizes => ({
    ...base,
    ...Object.fromEntries(
      names.map((dim, i) => {
        const [low, high] = dims[dim]?.bounds ?? [size, size];
        const step = steps[dim] ?? 1;
        const wanted = Math.round(size / step) * step;
        return [dim, Math.max(low, Math.min(high, Math.max(low, wanted)) - i * step)];
      }),
    ),
  });
  return [1, 33, 64, 257, 512, 1025, GREATEST].flatMap((size) =>
    places.length > 1 ? [of(places, size), of(Object.keys(dims), Math.min(size, 64))] : [of(Object.keys(dims), size)],
  );
}

/** Throws if the function does not run within all of the stated bounds. */
function refuseGaps(found: [number, number], asked: [number, number], dim: string, on: Probing): void {
  if (on.bounds[dim] === undefined || (found[0] === asked[0] && found[1] === asked[1])) return;
  const step = on.steps[dim] ?? 1;
  const at = found[0] === asked[0] ? found[1] + step : found[0] - step;
  let why = 'a tensor would be empty';
  try {
    traceAt(on.subject, { ...on.base, [dim]: at });
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  throw branchError(
    `trace: expected a function that runs at every ${dim} from ${asked[0]} to ${asked[1]}, the stated bounds, ` +
      `got at ${at}: ${why}`,
  );
}

/**
 * Explains why the calls at `sizes` differ from the program's. `same`: the last sizes at which they did not differ.
 * @throws ExportError if the function itself, rather than tfjs, chooses other calls.
 */
function oddity(program: Program, same: Sizes, sizes: Sizes, dim: string, on: Probing): string {
  const other = traceAt(on.subject, sizes).program;
  const why = branchOf(on.first, other);
  const [here, there] = [on.first, other].map(({ calls }) => [...new Set(calls.map(({ site }) => site))].sort().join());
  const numbers = Object.values(sizes);
  // At size 1, and if two sizes are equal, tfjs skips calls or copies instead.
  const degenerate = numbers.includes(1) || new Set(numbers).size < numbers.length;
  const usual = new Set([...on.first.calls.map(({ kernel }) => kernel), 'Identity', 'Reshape']);
  if (here === there && degenerate && other.calls.every(({ kernel }) => usual.has(kernel))) return why;
  const bounds = Object.hasOwn(sizes, dim) ? boundsOfKind(program, same, sizes, dim, on) : undefined;
  const way = bounds === undefined ? '' : `, or state the sizes that it will have: bounds: { ${dim}: [${bounds}] }`;
  throw branchError(
    `${why}, as at ${textOf(sizes)}${readAt(on.dims.flatMap(({ sites }) => sites))}. Compute the same at every ` +
      `size, fix that dim${way}`,
  );
}

/** The range around the base in which the function makes the program's calls, as text. */
function boundsOfKind(program: Program, same: Sizes, sizes: Sizes, dim: string, on: Probing): string {
  const step = on.steps[dim] ?? 1;
  let [good, bad] = [same[dim] ?? 1, sizes[dim] ?? 1];
  while (Math.abs(bad - good) > step) {
    const middle = good + Math.trunc((bad - good) / 2 / step) * step;
    const one = traceIfFits(on.subject, { ...on.base, [dim]: middle });
    if (one !== undefined && sameAt(program, one.program, one.sizes) !== undefined) good = middle;
    else bad = middle;
  }
  return good > (on.base[dim] ?? 1) ? `1, ${good}` : `${good}, ${GREATEST}`;
}

function textOf(sizes: Sizes): string {
  return Object.entries(sizes)
    .map(([dim, size]) => `${dim} ${size}`)
    .join(', ');
}

/** Where sizes are read, for messages. */
export function readAt(sites: readonly string[]): string {
  return sites.length === 0 ? '' : `; it reads the size at ${sites.slice(0, 3).join(' and ')}`;
}
