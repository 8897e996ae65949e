// Draws the inputs that an export is verified with, by seed, according to each input's type and use.
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

/** How an input is drawn. */
export interface DrawnSpec {
  dtype: ProgramDType;
  role: ManifestInput['role'];
  distribution?: 'normal' | 'uniform' | 'bernoulli';
  /** The caller's range, which takes precedence over all but `bernoulli`, whose floats are 0 or 1. */
  range?: readonly [number, number];
  classes?: number;
  /** Whether the caller states the distribution that the input will have in use. */
  stated?: boolean;
  /** The domain derived from what reads the input. */
  domain?: Domain;
  /** For pictures without a range: the range inferred from the function's first operations. */
  pictures?: readonly [number, number];
}

/** Key and counter of a draw's random numbers. */
interface Source {
  seed: number;
  step: number;
  stream: number;
}

/**
 * `bernoulli` floats are 0 or 1, before any range is looked at. Other floats are drawn from their range; else from
 * their domain, if that has bounds or needs integers; else latents, noise and tensors are normal. Pictures are
 * synthetic scenes (`paint`) at even seeds, and uniform noise at odd ones, unless their domain is bounded. Integers are
 * drawn from their range, classes or domain; pictures are bytes; others are small numbers of both signs, and some
 * larger ones. If a draw has enough elements, all integers of a range appear equally often. `stream` is the input's
 * index, so that two inputs differ. `way`: an alternative distribution for unrestricted inputs.
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

/** Whether nothing restricts the input, so that it may be drawn in another way. */
export function isFree(spec: DrawnSpec, shape: readonly number[]): boolean {
  const { dtype, distribution, range, classes, stated, domain } = spec;
  const within = domain !== undefined && domain.low > -Infinity && domain.high < Infinity;
  const bytes = dtype === 'int32' && isPicture(shape);
  const drawn = distribution === 'uniform' || distribution === 'bernoulli';
  return (
    range === undefined && classes === undefined && stated !== true && dtype !== 'bool' && !within && !bytes && !drawn
  );
}

/** Distance that drawn floats keep from points where the function is undefined. */
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

/** Draws from a domain: uniform between two bounds, half-normal from one bound, else normal. */
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

/** Smallest and largest integer to draw, if they are known. */
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

/** Most unrestricted integers are drawn from −SMALL to SMALL. */
const SMALL = 9;

/**
 * Factor for a quarter of the unrestricted integers; another quarter is set to, or next to, values where the function
 * changes behaviour.
 */
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
 * A class that is not drawn is not verified. If there are few classes, each is therefore drawn equally often. The order
 * is shuffled, so that a class may also occur twice in a row.
 */
function counted([low, high]: readonly [number, number], count: number, at: Source): number[] {
  const classes = high - low + 1;
  const uniform = philoxUniform(at, count);
  return classes <= 4 * count
    ? shuffled(count, uniform).map((i) => low + (i % classes))
    : Array.from(uniform, (u) => low + Math.min(classes - 1, Math.floor(u * classes)));
}

/**
 * 0 to `count` - 1 shuffled by the order of `by`, plus a random offset, so that the seed decides which classes occur
 * once more than the others.
 */
function shuffled(count: number, by: Float32Array): number[] {
  const first = Math.floor((by[0] ?? 0) * count);
  return Array.from(by.keys())
    .sort((a, b) => (by[a] ?? 0) - (by[b] ?? 0))
    .map((i) => i + first);
}
