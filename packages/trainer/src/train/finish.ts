// What happens after the last step: exports every output as ONNX, compared with tfjs, and writes the report.
import { latentWalk, toBatch, type Runtime, type Tensor } from '@forja/core';
import type { Dataset } from '../data/dataset.js';
import { exportOnnx } from '../export/export.js';
import { decodeCheckpoint } from '../records/checkpoint.js';
import { nearestExamples, type NearestResult } from '../report/nearest-examples.js';
import { reportHtml } from '../report/report.js';
import { isProjectable, projectorOutput } from '../systems/projector.js';
import type { Output } from '../systems/system.js';
import type { Engine } from './engine.js';
import type { PreviewFeeds } from './feeds.js';
import type { Run } from './loop.js';
import type { Best } from './measuring.js';
import { pictureOf } from './preview.js';

/** Pictures shown in the report next to their nearest training picture. */
const COMPARED = 16;

/** Exports of a finished run. */
export interface Exports {
  /** The first output's file. */
  model?: Uint8Array;
  /** All files by name. */
  models: Record<string, Uint8Array>;
  /** The best step by the measures; its files are `best-<file>`, with its scores in their manifests. */
  best?: Best;
  /** Largest relative error of the exports against tfjs, as defined in export/compare.ts. */
  exportError?: number;
}

/** Exports every output and writes `report.html`. */
export async function finish(run: Run, dataset: Dataset, runtime: Runtime | undefined): Promise<Exports> {
  const { engine, system, store, emit, previews } = run;
  const lines = await store.lines();
  const measures = await store.measures();
  const best = run.measuring?.bestOf(measures);
  const models: Record<string, Uint8Array> = {};
  const errors: number[] = [];
  const exportAll = async (prefix: string, step: number, scores: Readonly<Record<string, number>>): Promise<void> => {
    await engine.writeVariables();
    for (const output of [...Object.values(system.outputs), ...discriminatorsOf(run), ...projectorsOf(run, dataset)]) {
      const { model, report } = await exportOutput(output, run, dataset, { ...scores, steps: step }, runtime);
      if (report.verified === 'passed') errors.push(...report.errors.map(({ relative }) => relative));
      const file: `${string}.onnx` = `${prefix}${output.file.replace(/[.]onnx$/, '')}.onnx`;
      models[file] = model;
      await store.write(file, model);
      await emit({ type: 'export', file, bytes: model.length });
    }
  };
  const scoresAt = (step: number): Readonly<Record<string, number>> =>
    measures.filter((line) => line.step === step).at(-1)?.scores ?? {};
  const kept = best && (await store.readBest());
  if (best && kept && kept.step === best.step) {
    const last = await engine.state();
    await engine.load((await decodeCheckpoint(kept.bytes)).state);
    await exportAll('best-', best.step, scoresAt(best.step)).finally(() => engine.load(last));
  }
  await exportAll('', engine.step, { ...lines.at(-1)?.scalars, ...scoresAt(engine.step) });

  const [name = '', output] = Object.entries(system.outputs)[0] ?? [];
  const feeds = previews.get(name);
  const made = feeds && (await engine.preview(name, feeds.inputs));
  const last = made && output && feeds ? await pictureOf(output, made, feeds).toPNG() : undefined;
  const walk = output && feeds && (await walked(name, output, feeds, engine));
  const compared = made && output && (await comparedWith(made, output, run, dataset));
  const error =
    errors.length === 0
      ? 'not compared with tfjs'
      : `largest relative error against tfjs ${Math.max(...errors).toExponential(1)}`;
  const facts = Object.fromEntries(
    Object.entries(models).map(([file, { length }]) => [file, `${length} bytes, ${error}`]),
  );
  const data = await run.reporting.end({
    facts,
    ...(last ? { last } : {}),
    ...(walk ? { walk } : {}),
    ...(compared ? { compared } : {}),
  });
  await store.write('report.html', await reportHtml(data));
  const model = models[output?.file ?? ''];
  return {
    models,
    ...(model ? { model } : {}),
    ...(best ? { best } : {}),
    ...(errors.length > 0 ? { exportError: Math.max(...errors) } : {}),
  };
}

/** The discriminators that the run exports. */
function discriminatorsOf({ system, config }: Run): readonly Output[] {
  return config.exportDiscriminator ? Object.values(system.discriminators ?? {}) : [];
}

/** The first generator's projector, if the run exports one. Its target pictures have the shape of the data's. */
function projectorsOf({ system, config }: Run, { fields }: Dataset): readonly Output[] {
  const output = config.exportProjector ? Object.values(system.outputs).find(isProjectable) : undefined;
  const shape = Object.values(fields).find((field) => field.shape.length === 3)?.shape;
  return output === undefined || shape === undefined ? [] : [projectorOutput(output, shape)];
}

async function exportOutput(
  { model, inputs, outputs, kind }: Output,
  { config }: Run,
  dataset: Dataset,
  scalars: Readonly<Record<string, number>>,
  runtime: Runtime | undefined,
): ReturnType<typeof exportOnnx> {
  return exportOnnx(model, {
    inputs: [...inputs],
    outputs: [...outputs],
    layout: { inputs: 'nchw', outputs: 'nchw' },
    metadata: {
      kind,
      trainedOn: sourceOf(dataset),
      ...(dataset.license === undefined ? {} : { license: dataset.license }),
      metrics: { batch: config.batch, seed: config.seed, ...scalars },
    },
    verify: runtime ? { runtime } : false,
  });
}

/** What the manifest and the card say of the data, with its credit, which some licences ask for. */
const sourceOf = ({ name, count, credit }: Dataset): string =>
  `${name}, ${count} examples${credit === undefined ? '' : `; credit: ${credit}`}`;

/** Number of latents in a walk. */
const STOPS = 5;

/**
 * A walk through latents of one class as an animation, with as many frames as the grid has pictures, so that nothing
 * new is compiled. Undefined without latents or pictures.
 */
async function walked(
  name: string,
  { inputs, outputs }: Output,
  { inputs: feeds }: PreviewFeeds,
  engine: Engine,
): Promise<Uint8Array | undefined> {
  const latent = inputs.find(({ role }) => role === 'latent')?.name ?? '';
  const z = feeds[latent];
  const frames = z?.shape[0] ?? 0;
  if (z === undefined || frames < 2 * STOPS) return undefined;
  const values = z.data as Float32Array; // latents are float32
  const size = values.length / frames;
  const stops = Array.from({ length: STOPS }, (_, i) => values.subarray(i * size, (i + 1) * size));
  const labels = inputs.flatMap((input) => (input.role === 'label' ? input.name : []));
  const same = Object.fromEntries(
    labels.flatMap((label) => {
      const own = feeds[label];
      return own === undefined
        ? []
        : [[label, { ...own, data: (own.data as Int32Array).map((_, __, all) => all[0] ?? 0) }]];
    }),
  );
  const path = latentWalk(stops, frames, { loop: true });
  const made = await engine.generate(name, { ...feeds, ...same, [latent]: { ...z, data: path } });
  if (made.shape.length !== 4) return undefined;
  return toBatch(made, { layout: 'nhwc', range: outputs[0]?.range ?? [-1, 1] }).toAPNG({ delayMs: 80 });
}

/** Generated pictures with their nearest training pictures, if those have the same shape. */
async function comparedWith(
  made: Tensor,
  output: Output,
  { config }: Run,
  dataset: Dataset,
): Promise<NearestResult | undefined> {
  const field = Object.entries(dataset.fields).find(
    ([, { shape }]) => String(shape) === String(made.shape.slice(1)),
  )?.[0];
  if (made.shape.length !== 4 || field === undefined) return undefined;
  const count = Math.min(COMPARED, config.sampleCount, made.shape[0] ?? 0);
  const values = made.data as Float32Array; // pictures are float32
  const some: Tensor = {
    dtype: 'float32',
    shape: [count, ...made.shape.slice(1)],
    data: values.subarray(0, (values.length / (made.shape[0] ?? 1)) * count),
  };
  return nearestExamples(some, dataset, field, output.outputs[0]?.range ?? [-1, 1]);
}
