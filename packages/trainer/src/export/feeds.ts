// The inputs that an export is verified with: drawn by seed, of the kind that each input is meant for.
import { philoxNormal, philoxUniform, sizeOf, type ManifestInput } from '@forja/core';
import { dataOf, type ConstantData, type ProgramDType } from '../program/program.js';
import { ANYTHING, isBounded, isIn, type Domain } from './domain.js';
import { isPicture, paint } from './pictures.js';
import type { Way } from './ways.js';

/** One input, in tfjs's logical layout. */
export interface Drawn {
  dtype: ProgramDType;
  shape: number[];
  data: ConstantData;
}

/** What decides how an input is drawn. */
export interface DrawnSpec {
  dtype: ProgramDType;
  role: ManifestInput['role'];
  distribution?: 'normal' | 'uniform' | 'bernoulli';
  /** What the caller says of it; stands over all else. */
  range?: readonly [number, number];
  classes?: number;
  /** Whether the caller says how it is drawn at use. */
  stated?: boolean;
  /** What it feeds. */
  domain?: Domain;
  /** For pictures without a range: the one that the function's first steps tell of. */
  pictures?: readonly [number, number];
}

/** Where a draw's random numbers come from. */
interface Source {
  seed: number;
  step: number;
  stream: number;
}

/**
 * Floats: from their range; else, where what they feed says so, whole numbers or those within bounds; else normal
 * numbers for latents, noise and tensors, and pictures at every other seed for pictures. Integers: from their range,
 * classes, or what they feed; bytes for pictures; else small ones of both signs, and some larger. All of the integers,
 * each as often, where there is room. `stream` is the input's place, so that two inputs differ. `way`: how else inputs
 * are drawn of which nothing is said.
 */
export function draw(spec: DrawnSpec, shape: readonly number[], seed: number, stream: number, way?: Way): Drawn {
  const at = { seed, step: 0, stream };
  const natural = spec.dtype === 'float32' ? floats(spec, shape, at, way) : integers(spec, shape, at);
  const { domain = ANYTHING } = spec;
  const moved =
    way === undefined || !isFree(spec, shape)
      ? natural
      : Float64Array.from(natural, (value) => {
          const other = spec.dtype === 'float32' ? way.of(value, domain) : Math.round(way.of(value, domain));
          return isIn(other, domain) ? other : value;
        });
  const data = dataOf(moved, spec.dtype);
  const row = shape.at(-1) ?? 1;
  if (domain.sorted === true) for (let at = 0; at < data.length; at += row) data.subarray(at, at + row).sort();
  return { dtype: spec.dtype, shape: [...shape], data };
}

/** Whether nothing is known of an input that bounds it, so that it may be drawn in another way. */
export function isFree(spec: DrawnSpec, shape: readonly number[]): boolean {
  const { dtype, distribution, range, classes, stated, domain } = spec;
  const within = domain !== undefined && domain.low > -Infinity && domain.high < Infinity;
  const bytes = dtype === 'int32' && isPicture(shape);
  const drawn = distribution === 'uniform' || distribution === 'bernoulli';
  return (
    range === undefined && classes === undefined && stated !== true && dtype !== 'bool' && !within && !bytes && !drawn
  );
}

/** How far from where a function has no result the drawn floats stay. */
const MARGIN = 0.01;

function floats(spec: DrawnSpec, shape: readonly number[], at: Source, way: Way | undefined): ArrayLike<number> {
  const { distribution, role, range, domain = ANYTHING } = spec;
  const count = sizeOf(shape);
  const uniform = ([low, high]: readonly [number, number]): Float32Array =>
    philoxUniform(at, count).map((u) => low + u * (high - low));
  if (distribution === 'bernoulli') return philoxUniform(at, count).map((u) => (u < 0.5 ? 1 : 0));
  if (range !== undefined && domain.whole) return integers({ ...spec, range }, shape, at);
  const picture = role === 'image' ? (range ?? way?.pictures ?? spec.pictures ?? ([-1, 1] as const)) : undefined;
  if (picture !== undefined && !isBounded(domain))
    return isPicture(shape) && (way?.pictures !== undefined || at.seed % 2 === 0)
      ? paint(philoxUniform(at, count), shape, picture)
      : uniform(picture);
  if (range !== undefined) return uniform(range);
  if (domain.whole || (role === 'label' && !isBounded(domain))) return integers(spec, shape, at);
  if (isBounded(domain)) return within(domain, at, count);
  if (distribution === 'uniform') return uniform(role === 'latent' ? [-1, 1] : [0, 1]);
  return philoxNormal(at, count);
}

/** Numbers of the domain: uniform between two bounds, else half-normal from the one, or normal. */
function within({ low, high, not }: Domain, at: Source, count: number): Float32Array {
  const numbers =
    low > -Infinity && high < Infinity
      ? philoxUniform(at, count).map((u) => low + u * (high - low))
      : philoxNormal(at, count).map((x) =>
          low > -Infinity ? low + Math.abs(x) : high < Infinity ? high - Math.abs(x) : x,
        );
  return numbers.map((x) =>
    not.reduce((v, hole) => {
      if (Math.abs(v - hole) >= MARGIN) return v;
      const below = v < hole ? hole - MARGIN >= low : hole + MARGIN > high;
      return below ? hole - MARGIN : hole + MARGIN;
    }, x),
  );
}

/** The first and last of the integers that are drawn, where that is told. */
function endsOf(spec: DrawnSpec, shape: readonly number[]): readonly [number, number] | undefined {
  const { range, classes, dtype, domain = ANYTHING, role } = spec;
  if (range !== undefined) return [Math.ceil(range[0]), Math.floor(range[1])];
  if (classes !== undefined) return [0, Math.max(1, classes - 1)];
  if (dtype === 'bool') return [0, 1];
  const [low, high] = [Math.ceil(domain.low), Math.floor(domain.high)];
  if (low > -Infinity && high < Infinity) return [low, Math.max(low, high)];
  if (isPicture(shape) && !isBounded(domain)) return [0, 255];
  if (role === 'label') return [Math.max(0, low), Math.min(9, high)];
  return undefined;
}

/** Of integers of which nothing is known, most are this small, of either sign. */
const SMALL = 9;

/** One of four is so many times larger, and one stands where the function turns, or next to it. */
const LARGER = 37;

function integers(spec: DrawnSpec, shape: readonly number[], at: Source): ArrayLike<number> {
  const { low, high, not, near } = spec.domain ?? ANYTHING;
  const ends = endsOf(spec, shape);
  const count = sizeOf(shape);
  const components = spec.range === undefined ? spec.domain?.components : undefined;
  if (components !== undefined && shape.at(-1) === components.length)
    return philoxUniform(at, count).map((u, i) => Math.floor(u * (components[i % components.length] ?? 1)));
  if (ends !== undefined) return counted(ends, count, at);
  const kinds = philoxUniform({ ...at, step: 1 }, count);
  return Float64Array.from(counted([-SMALL, SMALL], count, at), (n, i) => {
    const kind = Math.floor(4 * (kinds[i] ?? 0));
    const turn = kind === 1 && near.length > 0 ? near[Math.abs(n) % near.length] : undefined;
    const value = turn !== undefined ? Math.round(turn) + (n % 2) : kind === 0 ? n * LARGER : n;
    const inside =
      low > -Infinity ? Math.ceil(low) + Math.abs(value) : high < Infinity ? Math.floor(high) - Math.abs(value) : value;
    const way = high < Infinity ? -1 : 1;
    return not.includes(inside) ? inside + way : inside;
  });
}

/**
 * A class that is not drawn is not verified: few are counted through, and shuffled, so that the same one also stands
 * twice in a row.
 */
function counted([low, high]: readonly [number, number], count: number, at: Source): number[] {
  const classes = high - low + 1;
  const uniform = philoxUniform(at, count);
  return classes <= 4 * count
    ? shuffled(count, uniform).map((i) => low + (i % classes))
    : Array.from(uniform, (u) => low + Math.min(classes - 1, Math.floor(u * classes)));
}

/**
 * 0 to `count` - 1 in the order of `by`, from where it points: which of the classes have one more place differs from
 * seed to seed.
 */
function shuffled(count: number, by: Float32Array): number[] {
  const first = Math.floor((by[0] ?? 0) * count);
  return Array.from(by.keys())
    .sort((a, b) => (by[a] ?? 0) - (by[b] ?? 0))
    .map((i) => i + first);
}
