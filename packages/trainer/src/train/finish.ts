// After the last step: the averaged generator as ONNX, compared with tfjs, and the report.
import type { Runtime, Tensor } from '@forja/core';
import type { Dataset } from '../data/dataset.js';
import { exportOnnx } from '../export/export.js';
import { nearest } from '../report/nearest.js';
import { reportHtml } from '../report/report.js';
import type { Run } from './loop.js';
import { pictureOf } from './loop.js';

/** Pictures shown in the report beside their nearest training picture. */
const COMPARED = 16;

/** Exports to `generator.onnx` and writes `report.html`. */
export async function finish(
  run: Run,
  dataset: Dataset,
  runtime: Runtime | undefined,
): Promise<{ model: Uint8Array; exportError?: number }> {
  const { engine, system, config, store, emit, fixed } = run;
  await engine.writeVariables();
  const lines = await store.lines();
  const last = lines.at(-1);
  const { image, latent } = system.sample;
  const { model, report } = await exportOnnx(system.average, {
    inputs: [{ name: 'z', role: 'latent', dtype: 'float32', shape: ['batch', latent], random: 'normal' }],
    outputs: [image ? { name: 'image', role: 'image', range: image.range } : { name: 'points', role: 'tensor' }],
    ...(image ? { layout: { outputs: 'nchw' as const } } : {}),
    metadata: {
      kind: 'latent',
      trainedOn: `${dataset.name}, ${dataset.count} examples`,
      ...(dataset.license === undefined ? {} : { license: dataset.license }),
      metrics: {
        steps: engine.step,
        batch: config.batch,
        seed: config.seed,
        ...(last ? { loss_d: last.loss_d, loss_g: last.loss_g } : {}),
      },
    },
    verify: runtime ? { runtime } : false,
  });
  const exportError =
    report.verified === 'passed' ? Math.max(...report.errors.map(({ relative }) => relative)) : undefined;
  await store.write('generator.onnx', model);
  await emit({ type: 'export', bytes: model.length });

  const values = await engine.generate(fixed);
  const count = Math.min(COMPARED, config.sampleCount);
  const made: Tensor | undefined = image && {
    dtype: 'float32',
    shape: [count, image.size, image.size, image.channels],
    data: values.subarray(0, (values.length / config.sampleCount) * count),
  };
  await store.write(
    'report.html',
    await reportHtml({
      title: `${system.name} on ${dataset.name}`,
      config: { ...config },
      lines,
      samples: [
        ...(await store.samples()),
        { step: engine.step, png: await pictureOf(system, values, config.sampleCount).toPNG() },
      ].filter(({ step }, i, all) => all.findIndex((s) => s.step === step) === i),
      sessions: await store.sessions(),
      facts: {
        examples: String(dataset.count),
        ...(dataset.license === undefined ? {} : { 'licence of the data': dataset.license }),
        weights: `generator ${system.generator.countParams()}, discriminator ${system.discriminator.countParams()}`,
        'images seen': `${engine.step * config.batch} (${((engine.step * config.batch) / dataset.count).toFixed(1)} epochs)`,
        training: `${run.clock.seconds().toFixed(0)} s`,
        'generator.onnx': `${model.length} bytes, ${exportError === undefined ? 'not compared with tfjs' : `largest relative error against tfjs ${exportError.toExponential(1)}`}`,
      },
      ...(made ? { compared: await nearest(made, dataset, image?.range ?? [-1, 1]) } : {}),
    }),
  );
  return { model, ...(exportError === undefined ? {} : { exportError }) };
}
