// The loss that is accepted when weights are stored in fewer bits, and the error for a larger loss.
import { ExportError } from '../../errors.js';
import type { StoredWeight, WeightStorage } from './store.js';

/** Default bound for the decibels of outputs compared with those of float32 weights. */
export const STORED_PSNR: Readonly<Record<WeightStorage, number>> = { int8: 35, uint8: 35, fp16: 45, exact: 80 };

/** Maximum number of weights that are tried one by one, starting with the least exact. */
const TRIED = 48;

/** A comparison that failed. */
export interface StoredMismatch {
  /** Beginning of the message. */
  where: string;
  type: WeightStorage;
  weights: readonly StoredWeight[];
  /** Required and measured decibels, and the output. */
  least: number;
  found: number;
  output: string;
  /** Decibels if only this weight is stored smaller. */
  alone: (weight: StoredWeight) => Promise<number>;
}

/** The error `export.mismatch`, which names the weight that causes the largest loss. */
export async function storedMismatch({
  where,
  type,
  weights,
  least,
  found,
  output,
  alone,
}: StoredMismatch): Promise<ExportError> {
  let worst: { weight: StoredWeight; psnr: number } | undefined;
  for (const weight of [...weights].sort((a, b) => a.snr - b.snr).slice(0, TRIED)) {
    const psnr = await alone(weight);
    if (worst === undefined || psnr < worst.psnr) worst = { weight, psnr };
  }
  const most =
    worst === undefined
      ? ''
      : `; the largest loss is from '${worst.weight.name}' of ${worst.weight.node}, which alone gives ` +
        `${worst.psnr.toFixed(1)} dB`;
  return new ExportError(
    'export.mismatch',
    `${where}: expected at least ${least} dB against float32 weights, got ${found.toFixed(1)} dB in ` +
      `'${output}' with ${type} weights${most}; store them as '${type === 'fp16' ? 'exact' : 'fp16'}', ` +
      'or lower the bound (verify.psnr, --psnr)',
  );
}
