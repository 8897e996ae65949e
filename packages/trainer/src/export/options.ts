// Schema of the export options. They are checked because JavaScript callers mistype names, and TypeScript callers pass
// data read from files.
import { refuseReserved, UsageError } from '@forja/core';
import { OPSETS, WEIGHT_STORAGES } from '@forja/core/onnx';
import * as v from 'valibot';
import { lineOf } from '../issues.js';
import type { ExportOptions, VerifyOnnxOptions } from './contract.js';

const name = v.pipe(v.string(), v.minLength(1, 'a name'));
const range = v.pipe(
  v.tuple([v.number(), v.number()]),
  v.check(
    ([low, high]) => Number.isFinite(low) && Number.isFinite(high) && low <= high,
    'two numbers in ascending order',
  ),
);
const dim = v.custom<number | string>(
  (value) => typeof value === 'number' || typeof value === 'string',
  "a size, or a name such as 'batch' for one that varies",
);
const layout = v.optional(v.picklist(['nhwc', 'nchw']));
const isFunction = v.custom<(...given: never[]) => unknown>((value) => typeof value === 'function', 'a function');
const isObject = (what: string) => v.custom<object>((value) => typeof value === 'object' && value !== null, what);

/** Options of verification. */
const verifying = {
  runtime: v.optional(isObject('a runtime')),
  sizes: v.optional(
    v.pipe(
      v.array(v.record(v.string(), v.number())),
      v.minLength(1, 'at least one size, or verify: false to skip verification'),
    ),
  ),
  seeds: v.optional(v.pipe(v.number(), v.safeInteger('a whole number'), v.minValue(1, 'a number of at least 1'))),
  tolerance: v.optional(v.pipe(v.number('a positive number'), v.gtValue(0, 'a positive number'))),
  psnr: v.optional(v.pipe(v.number('decibels'), v.finite('decibels'))),
};

/** Options that describe the tfjs model or function. */
const subject = {
  inputs: v.optional(
    v.array(
      v.strictObject({
        name: v.optional(name),
        dtype: v.optional(v.string()), // values are checked by subjectOf
        shape: v.optional(v.array(dim)),
        role: v.optional(
          v.picklist(['latent', 'label', 'text', 'noise', 'psi', 'mix', 'layer', 'image', 'tensor', 'score']),
        ),
        range: v.optional(range),
        random: v.optional(v.picklist(['normal', 'uniform', 'bernoulli'])),
        classes: v.optional(v.array(v.string())),
        vocabulary: v.optional(v.array(v.string())),
      }),
    ),
  ),
  bounds: v.optional(
    v.record(
      v.string(),
      v.tuple([
        v.pipe(v.number(), v.safeInteger('a whole number'), v.minValue(1, 'a size of at least 1')),
        v.pipe(v.number(), v.safeInteger('a whole number')),
      ]),
    ),
  ),
  state: v.optional(v.picklist(['refuse', 'explicit'])),
};

const exporting = v.strictObject({
  ...subject,
  outputs: v.optional(
    v.array(
      v.strictObject({
        name: v.optional(name),
        role: v.optional(v.picklist(['image', 'tensor', 'score'])),
        range: v.optional(range),
      }),
    ),
  ),
  opset: v.optional(v.picklist(OPSETS)),
  layout: v.optional(v.strictObject({ inputs: layout, outputs: layout })),
  precision: v.optional(v.picklist(['fp32', 'fp16'])),
  weights: v.optional(v.picklist(['float32', ...WEIGHT_STORAGES])),
  imageOutput: v.optional(v.picklist(['float', 'uint8-nchw', 'uint8-nhwc'])),
  externalData: v.optional(
    v.union([
      v.literal('auto'),
      v.boolean(),
      v.number(),
      v.strictObject({ above: v.optional(v.number()), location: v.optional(name) }),
    ]),
  ),
  metadata: v.optional(isObject('fields of the manifest')),
  digest: v.optional(isFunction),
  verify: v.optional(v.union([v.literal(false), v.strictObject({ ...verifying, perNode: v.optional(v.boolean()) })])),
  onProgress: v.optional(isFunction),
  signal: v.optional(isObject('an AbortSignal')),
});

const comparing = v.strictObject({
  ...subject,
  ...verifying,
  outputs: v.optional(v.array(v.strictObject({ name: v.optional(name) }))),
  external: v.optional(isObject('a Map of files by location')),
});

/** @throws UsageError `usage` with a line for each field that is wrong. */
function check(where: string, schema: typeof exporting | typeof comparing, options: unknown): void {
  refuseReserved(where, options);
  const result = v.safeParse(schema, options);
  const known = Object.keys(schema.entries);
  if (!result.success) throw new UsageError(result.issues.map((issue) => lineOf(where, issue, { known })).join('\n'));
}

/**
 * Checks the options of {@link verifyOnnx}.
 * @throws UsageError `usage` with a line for each field that is wrong.
 */
export function checkVerifyOptions(options: VerifyOnnxOptions): void {
  check('verifyOnnx', comparing, options);
}

/**
 * Checks the options of {@link exportOnnx}; `where` begins the error.
 * @throws UsageError `usage` with a line for each field that is wrong.
 */
export function checkOptions(options: ExportOptions, where = 'exportOnnx'): void {
  check(where, exporting, options);
  const { precision = 'fp32', weights = 'float32' } = options;
  if (precision === 'fp16' && weights !== 'float32')
    throw new UsageError(
      `exportOnnx.weights: expected none with precision: 'fp16', which has half-precision weights ` +
        `already, got '${weights}'; leave out one of the two`,
    );
}
