// Weights that are stored in 8 bits or half precision: which storage an export uses, and how far, in decibels, a file's
// outputs are from those of the same file with float32 weights.
import { ForjaError, type Runtime, type Session } from '@forja/core';
import {
  encodeModel,
  storedMismatch,
  storeWeights,
  STORED_PSNR,
  type Model,
  type StoredWeight,
  type WeightStorage,
} from '@forja/core/onnx';
import { peakToNoise } from './compare.js';
import type { OutputError, StoredReport, Verification } from './contract.js';
import { outside, placement, type Placement } from './external.js';
import { drawAll, freeInputs, logical, roundAt, stored as inOrder, type Draw, type Round } from './round.js';
import type { Sizes } from './traced.js';
import { waysFor } from './ways.js';

/** Models that were loaded from quantised files, with the storage type that makes the exported weights as small. */
const quantised = new WeakMap<object, WeightStorage>();

/** Remembers what a model's weights were stored as; `dtypes` are those of tfjs's `quantization`. */
export function rememberStorage(model: object, dtypes: readonly (string | undefined)[]): void {
  if (dtypes.some((dtype) => dtype === 'uint8' || dtype === 'uint16')) quantised.set(model, 'exact');
  else if (dtypes.includes('float16')) quantised.set(model, 'fp16');
}

/** The storage type that makes the exported weights as small as the model's files, if these were quantised. */
export function storageOf(model: object): WeightStorage | undefined {
  return quantised.get(model);
}

/** A file with float32 weights, as it was exported. */
export interface Made {
  float: Model;
  where: Placement;
  /** How it was verified; absent if verification was skipped. */
  job?: Verification;
  result: { report: { errors: readonly OutputError[] } };
}

/** Both forms of a model, and how they are run. */
interface StoredJob {
  float: Model;
  type: WeightStorage;
  weights: readonly StoredWeight[];
  model: Model;
  job: Verification;
  /** Comparisons of the float form with tfjs; the same inputs are drawn again. */
  errors: readonly OutputError[];
  runtime: Runtime;
}

/** A model with weights stored in fewer bytes. */
export interface InStorage {
  placed: Model;
  external: Map<string, Uint8Array>;
  report: StoredReport;
}

/**
 * The model with weights stored as `type`, compared with the float form if that was verified. Undefined if no weight
 * can be stored so. `asked`: whether the caller chose this storage. If not, the result is also undefined, instead of an
 * error, where too much would be lost or `storeWeights` refuses the model.
 * @throws ExportError `export.mismatch` for fewer decibels than `checks` or the storage require; and the errors of
 * `storeWeights`.
 */
export async function inStorage(
  type: WeightStorage,
  asked: boolean,
  { float, where, job, result }: Made,
  checks: { runtime: Runtime; psnr?: number } | undefined,
): Promise<InStorage | undefined> {
  try {
    const { model, weights } = storeWeights(float, { type });
    if (weights.length === 0) return undefined;
    const least = checks?.psnr ?? STORED_PSNR[type];
    const psnr =
      checks === undefined || job === undefined
        ? {}
        : {
            psnr: {
              least,
              found: await compareStored(
                { float, type, weights, model, job, errors: result.report.errors, runtime: checks.runtime },
                least,
              ),
            },
          };
    const sum = (of: (weight: StoredWeight) => number): number => weights.reduce((n, weight) => n + of(weight), 0);
    const { model: placed, external } = outside(model, where);
    return {
      placed,
      external,
      report: { type, weights, bytes: sum(({ bytes }) => bytes), before: sum(({ before }) => before), ...psnr },
    };
  } catch (error) {
    const expected =
      error instanceof ForjaError && (error.code === 'export.mismatch' || error.code === 'model.unsupported');
    if (asked || !expected) throw error;
    return undefined;
  }
}

/**
 * The lowest decibels of any output, compared with the file with float32 weights, over the sizes and seeds of the
 * verification.
 * @throws ExportError `export.mismatch` below `least`, naming the layer that costs most.
 */
async function compareStored(work: StoredJob, least: number): Promise<number> {
  const { float, model, job, errors, runtime, type } = work;
  const rounds = new Map<Sizes, Round>(job.sizes.map((sizes) => [sizes, roundAt(job, sizes)]));
  const cases = distinct(errors).flatMap(({ sizes, seed, drawn }): [Round, Draw][] => {
    const round = rounds.get(sizes);
    if (round === undefined) return [];
    const ways = waysFor(
      freeInputs(round),
      round.inputs.some(({ spec }) => spec.pictures !== undefined),
    );
    const draws = ways.find(({ name }) => name === drawn);
    return [[round, { seed, ...(draws === undefined ? {} : { draws }) }]];
  });
  const exact = await opened(float, runtime);
  try {
    const worst = async (other: Model, over: readonly [Round, Draw][]): Promise<{ name: string; psnr: number }> => {
      const session = await opened(other, runtime);
      try {
        let found = { name: '', psnr: Infinity };
        for (const [round, how] of over) {
          for (const one of await decibels(exact, session, round, how, job)) if (one.psnr < found.psnr) found = one;
        }
        return found;
      } finally {
        await session.dispose();
      }
    };
    const { name, psnr } = await worst(model, cases);
    if (psnr >= least) return psnr;
    throw await storedMismatch({
      where: 'exportOnnx.weights',
      type,
      weights: work.weights,
      least,
      found: psnr,
      output: name,
      alone: async ({ name: only }) =>
        (await worst(storeWeights(float, { type, only: new Set([only]) }).model, cases.slice(0, 1))).psnr,
    });
  } finally {
    await exact.dispose();
  }
}

/** One comparison for each size, seed and way to draw. */
function distinct(errors: readonly OutputError[]): OutputError[] {
  const seen = new Map(errors.map((error) => [JSON.stringify([error.sizes, error.seed, error.drawn]), error]));
  return [...seen.values()];
}

async function opened(model: Model, runtime: Runtime): Promise<Session> {
  const { model: placed, external } = outside(model, placement());
  return runtime.createSession(encodeModel(placed), external.size === 0 ? {} : { external });
}

async function decibels(
  exact: Session,
  other: Session,
  round: Round,
  how: Draw,
  { inputs, outputs }: Verification,
): Promise<{ name: string; psnr: number }[]> {
  const drawn = drawAll(round, how);
  const feeds = (): Parameters<Session['run']>[0] =>
    Object.fromEntries(
      inputs.flatMap(({ name, file, order }) => {
        const tensor = drawn[name];
        return tensor === undefined ? [] : [[file, inOrder(tensor, order)]];
      }),
    );
  const [wanted, got] = [await exact.run(feeds()), await other.run(feeds())];
  return outputs.map(({ name, file, order, quantised: bytes, range }) => {
    const span = bytes !== undefined ? 255 : range === undefined ? undefined : range[1] - range[0];
    return { name, psnr: peakToNoise(logical(got[file], order), logical(wanted[file], order), span) };
  });
}
