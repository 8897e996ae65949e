// How much storing weights smaller may cost, and how it is told when it costs more.
import { ExportError } from '../../errors.js';
import type { StoredWeight, WeightStorage } from './store.js';

/** Decibels that outputs must reach against those with float32 weights, unless the caller says another number. */
export const STORED_PSNR: Readonly<Record<WeightStorage, number>> = { int8: 35, uint8: 35, fp16: 45, exact: 80 };

/** Weights that are tried alone: those that are stored worst. */
const TRIED = 48;

/** What was found too far from the float32 form. */
export interface StoredMismatch {
  /** What messages begin with. */
  where: string;
  type: WeightStorage;
  weights: readonly StoredWeight[];
  /** Decibels demanded and found, and in which output. */
  least: number;
  found: number;
  output: string;
  /** Decibels with one weight alone stored smaller. */
  alone: (weight: StoredWeight) => Promise<number>;
}

/** The error `export.mismatch`, which names the weight that costs most. */
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
      : `; most is lost by '${worst.weight.name}' of ${worst.weight.node}, which alone gives ` +
        `${worst.psnr.toFixed(1)} dB`;
  return new ExportError(
    'export.mismatch',
    `${where}: expected at least ${least} dB against float32 weights, got ${found.toFixed(1)} dB in ` +
      `'${output}' with ${type} weights${most}; store them as '${type === 'fp16' ? 'exact' : 'fp16'}', ` +
      'or lower the bound (verify.psnr, --psnr)',
  );
}
