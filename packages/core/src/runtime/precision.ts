// The option `precision`. For half precision, a float32 file is converted and both versions are run once on the same
// synthetic inputs. If they differ, the half version cannot run on the device, or its results are not finite, the model
// stays in float32 and the report says why.
import { DeviceError, messageOf, UsageError } from '../errors.js';
import { LEAST_DECIBELS, psnr } from '../psnr.js';
import { optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import type { NamedTensors, Tensor, TensorSpec } from '../tensor.js';
import { goldenFeeds } from './golden.js';
import type { DeviceReport } from './session.js';
import { weightPrecision } from './skim.js';

/** Requested precision; `auto`: that of the file. */
export type Precision = 'auto' | 'fp32' | 'fp16';

/** The part of a session that is needed to compare two sessions. */
export interface Comparable {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly device: DeviceReport;
  run(feeds: NamedTensors, outputs: readonly string[]): Promise<NamedTensors>;
  release(): Promise<void>;
}

/** The requested precision, and what the device supports. */
export interface PrecisionRequest<S> {
  asked: Precision;
  /** Whether another precision than requested is an error. */
  strict: boolean;
  /** The file. */
  model: Uint8Array;
  /** Why the device cannot compute in half precision; undefined if it can. */
  obstacle: string | undefined;
  /** Opens it in half precision; undefined if none of its weights can be converted. */
  openHalf: () => Promise<S | undefined>;
}

/**
 * The session in the requested precision, or else `exact` (the unconverted file) with a reason in its report; the
 * unused one is disposed. Rejects with `device.lost`, or with `device.unavailable` if `strict` forbids `exact`.
 */
export async function inPrecision<S extends Comparable>(
  exact: S,
  { asked, strict, model, obstacle, openHalf }: PrecisionRequest<S>,
): Promise<S> {
  const found = weightPrecision(model);
  if (asked === 'auto' || asked === found) return exact;
  const { reasons } = exact.device;
  if (asked === 'fp32') reasons.push('precision: fp16, because the file has fp16 weights; export it in float32');
  else if (obstacle !== undefined) staysExact(exact.device, obstacle);
  else {
    const made = await halfOrExact(exact, openHalf);
    if (made !== exact) return made;
  }
  if (!strict) return exact;
  await exact.release();
  throw new DeviceError(
    'device.unavailable',
    `strict: expected ${asked}, got ${reasons.at(-1)?.replace('precision: ', '')}`,
  );
}

/**
 * The session of `openHalf` if it passes the check, else `exact` with a reason in its report; the unused one is
 * disposed. Rejects with `device.lost` only.
 */
async function halfOrExact<S extends Comparable>(exact: S, openHalf: () => Promise<S | undefined>): Promise<S> {
  let half: S | undefined;
  try {
    half = await openHalf();
    const why = !half
      ? 'none of its weights can be in half precision'
      : half.device.cpuOps.length > exact.device.cpuOps.length
        ? `${half.device.cpuOps.join(', ')} would run on the CPU`
        : await difference(exact, half);
    if (half && why === undefined) {
      await exact.release();
      return half;
    }
    if (why !== undefined) staysExact(exact.device, why);
  } catch (error) {
    if (error instanceof DeviceError && error.code === 'device.lost') throw error;
    staysExact(exact.device, `the check failed: ${messageOf(error)}`);
  }
  await half?.release();
  return exact;
}

/** Records in the report why a model stays in float32. */
function staysExact({ reasons }: DeviceReport, why: string): void {
  reasons.push(`precision: fp32, because ${why}`);
}

/** How the two models' results differ in one run; undefined if they agree. */
async function difference(exact: Comparable, half: Comparable): Promise<string | undefined> {
  const feeds = goldenFeeds(exact.inputs);
  const names = exact.outputs.map(({ name }) => name ?? '');
  const [wanted, got] = [await exact.run(feeds, names), await half.run(feeds, names)];
  for (const name of names) {
    const [values, halves] = [valuesOf(wanted[name]), valuesOf(got[name])];
    const found = psnr(values, halves);
    if (!(found >= LEAST_DECIBELS))
      return `half precision gives '${name}' at ${found.toFixed(1)} dB, where ${LEAST_DECIBELS} dB are required`;
  }
  return undefined;
}

function valuesOf(tensor: Tensor | undefined): ArrayLike<number | bigint> {
  return (tensor?.data ?? []) as unknown as ArrayLike<number | bigint>; // true of every typed array in a tensor
}

/** Properties that a file must have; `load` refuses others and converts nothing. */
export interface Expectations {
  /** Precision of its weights. */
  precision?: 'fp32' | 'fp16';
}

/** Throws UsageError for a file that does not match, and for invalid expectations. */
export function checkExpected(where: string, model: Uint8Array, expected: Expectations): void {
  for (const value of Object.values(optionsOf('load.expect', expected, 'precision'))) {
    const found = weightPrecision(model);
    if (value === undefined || value === found) continue;
    if (value !== 'fp32' && value !== 'fp16')
      throw new UsageError(`load.expect.precision: expected fp32 or fp16, got ${shown(value)}`);
    throw new UsageError(
      `load.expect.precision: expected ${value} weights, got ${found} in ${where}: load another file, or leave ` +
        'this option out',
    );
  }
}
