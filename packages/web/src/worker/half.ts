// Half precision where `precision: 'fp16'` asks for it: the model is converted, and both versions are run once on the
// same made-up inputs. What differs, does not run on the GPU, or is not finite, stays in float32, and the report says
// why.
import { DeviceError, goldenFeeds } from '@forja/core';
import type { DeviceReport, NamedTensors, Tensor, TensorSpec } from '@forja/core';

/** The part of a session that is needed to compare two. */
export interface Comparable {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly device: DeviceReport;
  run(feeds: NamedTensors, outputs: readonly string[]): Promise<NamedTensors>;
  release(): Promise<void>;
}

/** What an export in half precision must keep of float32, too: decibels over the range of an output. */
const LEAST_PSNR = 45;
/**
 * The session of `openHalf` when it passes the check, else `exact`, with a reason in its report; the other one is
 * released. Rejects with `device.lost` only.
 */
export async function halfOrExact<S extends Comparable>(exact: S, openHalf: () => Promise<S>): Promise<S> {
  let half: S | undefined;
  try {
    half = await openHalf();
    const why =
      half.device.cpuOps.length > exact.device.cpuOps.length
        ? `${half.device.cpuOps.join(', ')} would run on the CPU`
        : await difference(exact, half);
    if (why === undefined) {
      await exact.release();
      return half;
    }
    staysExact(exact.device, why);
  } catch (error) {
    if (error instanceof DeviceError && error.code === 'device.lost') throw error;
    staysExact(exact.device, `the check failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  await half?.release();
  return exact;
}

/** Notes that a model which was asked for in half precision is not. */
export function staysExact({ reasons }: DeviceReport, why: string): void {
  reasons.push(`precision: fp32, because ${why}`);
}

/** Why the two are not the same model, as far as one run shows. */
async function difference(exact: Comparable, half: Comparable): Promise<string | undefined> {
  const feeds = goldenFeeds(exact.inputs);
  const names = exact.outputs.map(({ name }) => name ?? '');
  const [wanted, got] = [await exact.run(feeds, names), await half.run(feeds, names)];
  for (const name of names) {
    const decibels = psnr(valuesOf(wanted[name]), valuesOf(got[name]));
    if (!(decibels >= LEAST_PSNR))
      return `half precision gives '${name}' at ${decibels.toFixed(1)} dB, where ${LEAST_PSNR} dB are asked for`;
  }
  return undefined;
}

function valuesOf(tensor: Tensor | undefined): ArrayLike<number | bigint> {
  return (tensor?.data ?? []) as unknown as ArrayLike<number | bigint>; // every typed array that a tensor may hold
}

/**
 * Peak signal to noise in decibels, the peak being the range of `wanted`; NaN where a value is not finite or one is
 * missing.
 */
function psnr(wanted: ArrayLike<number | bigint>, got: ArrayLike<number | bigint>): number {
  let [low, high, squares] = [Infinity, -Infinity, 0];
  for (let i = 0; i < wanted.length; i++) {
    const value = Number(wanted[i]);
    low = Math.min(low, value);
    high = Math.max(high, value);
    squares += (value - Number(got[i])) ** 2; // NaN for one that is missing
  }
  const range = high - low || Math.abs(high) || 1;
  return got.length === wanted.length && Number.isFinite(squares)
    ? 10 * Math.log10(range ** 2 / (squares / wanted.length))
    : NaN;
}
