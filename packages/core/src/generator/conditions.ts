// Inputs of a picture in addition to its latent ("conditions"): noise, a class, a text, the truncation of styles, and a
// second latent that styles some layers. Imported on first use, so that pages with unconditional models do not load it.
import { ModelFormatError, UsageError } from '../errors.js';
import { checkInteger } from '../integer.js';
import { halfOf } from '../half.js';
import { latents } from '../latent/latents.js';
import { keyOf } from '../latent/philox.js';
import { philoxNormal } from '../latent/streams.js';
import { checkTruncation } from '../latent/truncation.js';
import type { Manifest, ManifestInput } from '../manifest/manifest.js';
import { classOf as kindOf, optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import { ARRAY_OF, sizeOf, type NamedTensors, type Tensor, type TypedArray } from '../tensor.js';
import { rows, rowsOf, type Draw, type RowInput } from './latent-model.js';
import { textTensor } from './texts.js';

/** A draw without the options that describe conditions, and the feeds of these conditions. */
export interface Conditioned {
  draw: Draw;
  /** Feeds for `count` pictures, starting at picture `first`. */
  feeds(first: number, count: number): NamedTensors;
}

/** Makes one input's rows for `count` pictures, starting at picture `first`. */
type Rows = (first: number, count: number) => Tensor;

/**
 * For each role, the function that checks a call's options and makes the rows. `nth`: index of the input among those of
 * that role.
 */
const MAKERS: Partial<Record<ManifestInput['role'], (input: RowInput, draw: Draw, nth: number) => Rows>> = {
  noise: (input, { seed = 0, noise, noiseOf }, nth) => {
    const size = sizeOf(input.row);
    const of = typeof noise === 'object' ? noise.seed : seed;
    return (first, count) => {
      const data = new Float32Array(count * size);
      for (let i = 0; i < count && noise !== 'none'; i++)
        data.set(philoxNormal({ seed: of, stream: nth, step: noiseOf ?? first + i }, size), i * size);
      return rows(input, count, data);
    };
  },
  label: (input, { label, labels: several = label === undefined ? [] : [label] }) => {
    const classes = classesOf(input.spec);
    if (label === undefined && classes === undefined)
      throw new UsageError('sample.label: expected a class, because the model does not state how many it has');
    const chosen = several.map((one) => classOf(input.spec, classes, one));
    return (first, count) =>
      labels(input, count, (i) => chosen[(first + i) % chosen.length] ?? (first + i) % (classes ?? 1));
  },
  text: ({ spec }, { text }) => {
    const texts = Array.isArray(text) ? (text as readonly unknown[]) : [text];
    textTensor(spec, texts); // checks them all
    return (first, count) =>
      textTensor(
        spec,
        Array.from({ length: count }, (_, i) => texts[(first + i) % texts.length]),
      );
  },
  psi: (input, { truncation }) => {
    const psi = typeof truncation === 'object' ? truncation.psi : 1;
    return (_, count) => rows(input, count, new Float32Array(count * sizeOf(input.row)).fill(psi));
  },
  mix: (input, { mix, noiseOf }) => {
    const size = sizeOf(input.row);
    const { distribution = 'normal' } = input.spec;
    const of = (index: number, count: number): Float32Array =>
      mix === undefined ? new Float32Array(count * size) : latents(mix.seed, index, count, size, { distribution });
    of(0, 0); // checks the seed
    const one = mix?.index ?? noiseOf;
    return (first, count) => {
      if (one === undefined) return rows(input, count, of(first, count));
      const data = new Float32Array(count * size);
      for (let i = 0; i < count; i++) data.set(of(one, 1), i * size);
      return rows(input, count, data);
    };
  },
  layer: (input, { mix }) => {
    const most = input.spec.range?.[1];
    if (most === undefined)
      throw new ModelFormatError(
        'model.format',
        `manifest.inputs.${input.spec.name}: expected a range for a layer, got none; export the model again`,
      );
    if (mix !== undefined) checkInteger('sample.mix.from', mix.from, 0, most);
    return (_, count) => labels(input, count, () => mix?.from ?? most);
  },
};

/**
 * Checks the conditions in a call's options and prepares their feeds. Throws for a label, text, noise or second latent
 * that the model does not take, and for values out of their range.
 */
export function conditioned({ inputs }: Manifest, given: Draw): Conditioned {
  const { label, labels: _, text, mix, noise, truncation, ...rest } = given;
  const has = (role: ManifestInput['role']): boolean => inputs.some((input) => input.role === role);
  if (label !== undefined && !has('label'))
    throw new UsageError('sample.label: expected no label, as the model takes none');
  if (text !== undefined && !has('text'))
    throw new UsageError('sample.text: expected no text, as the model takes none');
  if (mix !== undefined) {
    optionsOf('sample.mix', mix, 'from index seed');
    if (!has('mix')) throw new UsageError('sample.mix: expected none, as the model takes no second latent');
    if (mix.index !== undefined) checkInteger('sample.mix.index', mix.index, 0, Number.MAX_SAFE_INTEGER);
  }
  if (noise !== undefined) {
    if (noise !== 'none' && kindOf(noise) !== 'Object')
      throw new UsageError(`sample.noise: expected 'none' or { seed }, got ${shown(noise)}`);
    if (!has('noise')) throw new UsageError('sample.noise: expected none, as the model takes no noise');
    if (noise !== 'none') keyOf(optionsOf('sample.noise', noise, 'seed').seed, 'sample.noise');
  }
  if (truncation !== undefined) checkTruncation('sample.truncation', truncation);
  const makers = inputs.flatMap((spec, at): [string, Rows][] => {
    const make = MAKERS[spec.role];
    const nth = inputs.slice(0, at).filter(({ role }) => role === spec.role).length;
    return make ? [[spec.name, make(rowsOf(spec), given, nth)]] : [];
  });
  // If the model has an input for psi, `{ psi }` truncates its styles; otherwise truncation applies to the latent.
  const left = truncation === undefined || (typeof truncation === 'object' && has('psi')) ? {} : { truncation };
  return {
    draw: { ...rest, ...left },
    feeds: (first, count) => Object.fromEntries(makers.map(([name, of]) => [name, of(first, count)])),
  };
}

/** Rows of these classes. @throws UsageError `input.range` for a class that the model does not have. */
export function labelRows(input: RowInput, of: readonly (number | string)[], where: string): Tensor {
  const chosen = of.map((label) => classOf(input.spec, classesOf(input.spec), label, where));
  return labels(input, chosen.length, (i) => chosen[i] ?? 0); // i is below chosen.length
}

function classOf(
  { classes: names }: ManifestInput,
  classes: number | undefined,
  label: number | string,
  where = 'sample.label',
): number {
  const number = typeof label === 'string' ? numberOf(names ?? [], label) : label;
  if (number === undefined)
    throw new UsageError(
      `${where}: expected ` +
        `${names ? `one of ${listed(names)}` : 'a number, as the model names no classes'}, got '${label}'`,
      { code: 'input.range' },
    );
  checkInteger(where, number, 0, (classes ?? 2 ** 31) - 1);
  return number;
}

/** Digits are the name of a class if one is called that way (folders 1, 2 and 10), otherwise a class's number. */
function numberOf(names: readonly string[], label: string): number | undefined {
  const at = names.indexOf(label);
  if (at >= 0) return at;
  return /^\d+$/.test(label) ? Number(label) : undefined;
}

function listed(names: readonly string[]): string {
  return names.length > 20 ? `${names.slice(0, 20).join(', ')}, … (${names.length} in all)` : names.join(', ');
}

/** The number of classes of a label input, from its names, its range, or the length of its one-hot row. */
export function classesOf({ classes, range, dtype, shape }: ManifestInput): number | undefined {
  if (classes) return classes.length;
  if (range) return range[1] + 1;
  const last = shape.at(-1);
  return isFloat(dtype) && shape.length === 2 && typeof last === 'number' ? last : undefined;
}

const isFloat = (dtype: string): boolean => dtype === 'float32' || dtype === 'float16';

/** The classes as whole numbers, or as one-hot rows if the input is a row of floats. */
function labels({ spec, row }: RowInput, count: number, of: (i: number) => number): Tensor {
  const size = sizeOf(row);
  if (isFloat(spec.dtype) && size > 1) {
    const data = new Float32Array(count * size);
    for (let i = 0; i < count; i++) data[i * size + of(i)] = 1;
    return rows({ spec, row }, count, data);
  }
  const data: TypedArray = new ARRAY_OF[spec.dtype](count * size);
  for (let i = 0; i < count; i++) {
    if (data instanceof BigInt64Array) data.fill(BigInt(of(i)), i * size, (i + 1) * size);
    else data.fill(spec.dtype === 'float16' ? halfOf(of(i)) : of(i), i * size, (i + 1) * size);
  }
  return { dtype: spec.dtype, shape: [count, ...row], data };
}
