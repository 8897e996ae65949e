// Requests and answers of /v1/images: pictures of a seed as one PNG.
import { UsageError, type Generator, type ImageBatch, type SampleOptions } from '@forja/core';
import * as v from 'valibot';
import { checked } from './check.js';
import { RequestError } from './errors.js';
import type { Limits } from './limits.js';
import { encodePng } from './png.js';
import { labelOf, mixOf, noiseOf, seedOf, truncationOf } from '../sample-values.js';

/** An integer, which may also be a string of digits, as in a query. */
export const integer = (least: number, most: number): v.GenericSchema<number | string, number> => {
  const wanted = `an integer from ${least} to ${most}`;
  const digits = v.pipe(v.string(), v.regex(/^\d{1,9}$/, wanted), v.transform(Number));
  return v.pipe(
    v.union([v.number(), digits], wanted),
    v.integer(wanted),
    v.minValue(least, wanted),
    v.maxValue(most, wanted),
  );
};
/** A number. Integers above 2^53 are refused, because JSON.parse rounds them, which would give another seed. */
const number = v.pipe(
  v.number(),
  v.check((value) => !Number.isInteger(value) || Number.isSafeInteger(value), 'a text for a number above 2^53'),
);
const text = v.pipe(
  v.union([v.string(), v.pipe(number, v.transform(String))], 'a text or a number'),
  v.maxLength(256, 'at most 256 characters'),
);

const schemaOf = ({ count }: Limits) =>
  v.strictObject({
    model: v.optional(v.pipe(v.string(), v.maxLength(256, 'at most 256 characters'))),
    seed: v.optional(text, '0'),
    count: v.optional(integer(1, count), 1),
    // not turned into a text, because a class may be called by the number of another one
    label: v.optional(v.union([v.pipe(v.string(), v.maxLength(256)), number], 'a name (of at most 256) or a number')),
    text: v.optional(
      v.union(
        [text, v.pipe(v.array(text), v.maxLength(count, `at most ${count} texts`))],
        'a text, or a list of texts',
      ),
    ),
    truncation: v.optional(
      v.union([text, v.strictObject({ psi: v.number() })], 'a number, a text such as psi:0.7, or { psi }'),
    ),
    mix: v.optional(
      v.union(
        [
          v.pipe(v.string(), v.maxLength(64, 'at most 64 characters')),
          v.strictObject({ seed: text, from: integer(0, 1000) }),
        ],
        'a text such as 7:4, or { seed, from }',
      ),
    ),
    noise: v.optional(v.union([text, v.strictObject({ seed: text })], 'a seed, none, or { seed }')),
    columns: v.optional(integer(1, count)),
    padding: v.optional(integer(0, 64), 0),
  });

/** A request for pictures, checked. */
export interface ImagesRequest {
  model: string | undefined;
  sample: SampleOptions & { count: number };
  columns: number | undefined;
  padding: number;
}

/** Parses a query or a JSON body. Throws `usage` or `input.range`. */
export function imagesRequest(given: unknown, limits: Limits): ImagesRequest {
  const { model, seed, count, label, text, truncation, mix, noise, columns, padding } = checked(
    'images',
    schemaOf(limits),
    given,
  );
  return {
    model,
    columns,
    padding,
    sample: {
      count,
      seed: seedOf('images.seed', seed),
      ...(label === undefined ? {} : { label: typeof label === 'string' ? labelOf('images.label', label) : label }),
      ...(text === undefined ? {} : { text }),
      ...(mix === undefined
        ? {}
        : { mix: mixOf('images.mix', typeof mix === 'string' ? mix : `${mix.seed}:${mix.from}`) }),
      ...(noise === undefined
        ? {}
        : {
            noise:
              typeof noise === 'string'
                ? noiseOf('images.noise', noise)
                : { seed: seedOf('images.noise.seed', noise.seed) },
          }),
      ...(truncation === undefined
        ? {}
        : { truncation: typeof truncation === 'string' ? truncationOf('images.truncation', truncation) : truncation }),
    },
  };
}

/** A query as plain data. Each field may occur once; empty fields, which forms send, are left out. Throws `usage`. */
export function queryOf(where: string, params: URLSearchParams): Record<string, string> {
  const fields = [...params].filter(([, value]) => value !== '');
  const names = new Set(fields.map(([name]) => name));
  if (names.size < fields.length) throw new UsageError(`${where}: expected each field once, got one more than once`);
  return Object.fromEntries(fields);
}

/** The pictures as one PNG, in a grid if several. */
export async function imagesPng(
  generator: Generator,
  { sample, columns, padding }: ImagesRequest,
  limits: Limits,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  checkPixels(generator, sample.count, padding, limits);
  const batch = await generator.sample({ ...sample, signal });
  // the size may be unknown before the run
  if (areaOf(batch, padding) * sample.count > limits.pixels) throw tooMany(limits);
  return encodePng(sample.count === 1 ? batch.at(0) : batch.grid(columns, { padding }));
}

/** Throws `request.tooLarge` before sampling, if the size of the model's pictures is known. */
function checkPixels({ manifest }: Generator, count: number, padding: number, limits: Limits): void {
  const output = manifest.outputs.find(({ role }) => role === 'image');
  const [height, width] = output?.layout === 'nhwc' ? output.shape.slice(1, 3) : (output?.shape.slice(2, 4) ?? []);
  if (
    typeof height === 'number' &&
    typeof width === 'number' &&
    count * areaOf({ width, height }, padding) > limits.pixels
  )
    throw tooMany(limits);
}

function areaOf({ width, height }: Pick<ImageBatch, 'width' | 'height'>, padding: number): number {
  return (width + padding) * (height + padding);
}

function tooMany({ pixels }: Limits): RequestError {
  return new RequestError(
    'request.tooLarge',
    `images: expected at most ${pixels} pixels in one answer, got more; ask for fewer pictures`,
  );
}
