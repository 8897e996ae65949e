// Checks that a generator's picture depends on its own latent alone. Loaded generators rely on it: they split counts
// and join requests into runs of any size.
import { ExportError, type ManifestInput, type ManifestOutput } from '@forja/core';
import { distance } from './compare.js';
import type { Verification } from './contract.js';
import { reference } from './reference.js';
import { drawAll, roundAt, type Round } from './round.js';

/** Relative difference from which pictures count as different: rounding in sums of another order stays far below. */
const TOLERANCE = 1e-3;

/** Which batches the file takes: multiples of the step within the bounds. */
export interface Batches {
  step: number;
  bounds: readonly [number, number];
}

/** By how many steps the larger batch is larger, and how often both are drawn. */
const [MORE, DRAWS] = [3, 2];

/**
 * Compares the first pictures of a batch with the same made alone, by tfjs. Does nothing for a fixed batch, or where
 * the batch is not the first axis of an input.
 * @throws ExportError `export.unsupported` if they differ.
 */
export async function checkRows(
  job: Verification,
  { inputs, outputs }: { inputs: readonly ManifestInput[]; outputs: readonly ManifestOutput[] },
  { step, bounds: [least, most] }: Batches,
): Promise<void> {
  const latent = inputs.find(({ role }) => role === 'latent');
  const image = outputs.find(({ role }) => role === 'image');
  const dim = latent?.shape[0];
  const few = Math.ceil(Math.max(least, 1) / step) * step;
  const many = few + step * Math.min(MORE, Math.floor((most - few) / step));
  const [sizes] = job.sizes;
  if (!latent || !image || typeof dim !== 'string' || sizes === undefined || many <= few) return;
  const at = (batch: number): Round => roundAt(job, { ...sizes, [dim]: batch });
  const [alone, together] = [at(few), at(many)];
  const rest = ({ inputs: list }: Round): string => String(list.map(({ shape }) => shape.slice(1)));
  if (rest(alone) !== rest(together)) return;
  const { run } = await reference(together.program);
  for (let seed = 1; seed <= DRAWS; seed++) {
    const drawn = drawAll(together, { seed });
    const first = Object.fromEntries(
      alone.inputs.map(({ name, shape }) => {
        const { data, ...of } = drawn[name]!; // both rounds have the same inputs
        return [
          name,
          {
            ...of,
            shape,
            data: data.slice(
              0,
              shape.reduce((a, b) => a * b, 1),
            ),
          },
        ];
      }),
    );
    let pair;
    try {
      pair = [run(alone.program, first)[image.name]!.data, run(together.program, drawn)[image.name]!.data] as const;
    } catch {
      return; // it does not run on such inputs, and was verified with others
    }
    const [one, all] = pair;
    const { relative } = distance(all.slice(0, one.length), one);
    if (relative > TOLERANCE) throw refused(image.name, few, many, relative);
  }
}

function refused(image: string, few: number, many: number, relative: number): ExportError {
  return new ExportError(
    'export.unsupported',
    `exportOnnx: expected pictures that depend on their own latents alone, got '${image}', which the others of a ` +
      `batch change (of ${few} and of ${many}, by ${relative.toPrecision(2)} relatively): use a batch norm's moving ` +
      "averages (training: false) and no statistics of a batch; or give the latent the role 'tensor', for run()",
  );
}
