// One random model by seed: exported in an opset and layout of the seed's, verified, and compared with model.predict at
// batches 1, 3 and 7, two of which the trace did not see.
import { ExportError, type NamedTensors, type Runtime, type Session, type Tensor } from '@forja/core';
import { checkModel } from '@forja/core/onnx';
import { exportOnnx, type ExportOptions } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { eagerly, outline, randomModel, type Prediction } from './random-models.js';

type Layout = NonNullable<ExportOptions['layout']>;

/**
 * `passed over`: tfjs itself cannot build or run the model. `refused`: an ExportError `export.unsupported` naming a
 * call.
 */
export type Outcome = 'equal' | 'refused' | 'passed over';

function inLayout(x: tf.Tensor, layout: Layout[keyof Layout]): Tensor {
  const stored = layout === 'nchw' && x.rank === 4 ? tf.transpose(x, [0, 3, 1, 2]) : x;
  return {
    dtype: x.dtype === 'int32' ? 'int32' : 'float32',
    shape: [...stored.shape],
    data: stored.dataSync().slice(),
  };
}

async function compare(
  session: Session,
  { inputs, outputs }: Prediction,
  layout: Layout,
  where: string,
): Promise<void> {
  const feeds: NamedTensors = Object.fromEntries(
    session.inputs.map(({ name = '' }, i) => [name, inLayout(inputs[i] as tf.Tensor, layout.inputs)]),
  ); // the file has the model's inputs, in its order
  const results = await session.run(feeds);
  session.outputs.forEach(({ name = '' }, i) => {
    const [expected, received] = [inLayout(outputs[i] as tf.Tensor, layout.outputs), results[name]];
    const values = expected.data as Float32Array; // models return floats
    expect(received?.shape, where).toEqual(expected.shape);
    expect(received?.data, where).toBeAllclose(values, {
      atol: 2e-4 * values.reduce((max, v) => Math.max(max, Math.abs(v)), 0.01),
    });
  });
}

/** @throws if the file differs from the model, and for every error but a clear refusal. */
export async function checkSeed(seed: number, onnx: Runtime): Promise<Outcome> {
  const model = randomModel(seed);
  const predictions = model === undefined ? undefined : eagerly(model, [1, 3, 7]);
  if (model === undefined || predictions === undefined) return 'passed over';
  const where = `seed ${seed}: ${outline(model)}`;
  const layout: Layout = { inputs: seed % 3 === 0 ? 'nchw' : 'nhwc', outputs: seed % 2 === 0 ? 'nchw' : 'nhwc' };
  try {
    const options: ExportOptions = { opset: 17 + (seed % 6), layout, verify: { runtime: onnx, seeds: 1 } };
    const { model: bytes } = await exportOnnx(model, options).catch((error: unknown) => {
      // Some random networks have a constant output; the message's advice is followed.
      if (!(error instanceof ExportError && error.code === 'export.unverified')) throw error;
      return exportOnnx(model, { ...options, inputs: model.inputNames.map((name) => ({ name, range: [0, 1] })) });
    });
    checkModel(bytes);
    const session = await onnx.createSession(bytes);
    try {
      for (const prediction of predictions) await compare(session, prediction, layout, where);
    } finally {
      await session.dispose();
    }
    return 'equal';
  } catch (error) {
    if (error instanceof ExportError && error.code === 'export.unsupported') {
      expect(error.message).toMatch(/layer /);
      return 'refused';
    }
    throw new Error(where, { cause: error });
  } finally {
    tf.disposeVariables();
  }
}
