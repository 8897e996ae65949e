// exportOnnx of random models by seed: each is exported, verified, and equal to model.predict at batches 1, 3 and 7, two of which the trace did not see.
import type { NamedTensors, Runtime, Session } from '@forja/core';
import { checkModel } from '@forja/core/onnx';
import { runtime } from '@forja/node';
import { exportOnnx } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eagerly, outline, randomModel, type Prediction } from './support/random-models.js';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());

async function compare(session: Session, { inputs, outputs }: Prediction, where: string): Promise<void> {
  const feeds: NamedTensors = Object.fromEntries(session.inputs.map(({ name = '' }, i) => {
    const x = inputs[i] as tf.Tensor; // the file has the model's inputs, in its order
    return [name, { dtype: x.dtype === 'int32' ? 'int32' : 'float32', shape: [...x.shape], data: x.dataSync().slice() }];
  }));
  const results = await session.run(feeds);
  session.outputs.forEach(({ name = '' }, i) => {
    const [expected, received] = [outputs[i]?.dataSync() ?? [], results[name]];
    expect(received?.shape, where).toEqual(outputs[i]?.shape);
    const largest = Array.from(expected).reduce((max, v) => Math.max(max, Math.abs(v)), 0.01);
    expect(received?.data, where).toBeAllclose(expected, { atol: 2e-4 * largest });
  });
}

/** Seeds whose model tfjs itself cannot build or run are passed over: `undefined`. */
async function check(seed: number): Promise<true | undefined> {
  const model = randomModel(seed);
  const predictions = model === undefined ? undefined : eagerly(model, [1, 3, 7]);
  if (model === undefined || predictions === undefined) return undefined;
  const where = `seed ${seed}: ${outline(model)}`;
  const { model: bytes } = await exportOnnx(model, { verify: { runtime: onnx, seeds: 1 } }).catch((cause: unknown) => {
    throw new Error(where, { cause });
  });
  checkModel(bytes);
  const session = await onnx.createSession(bytes);
  try {
    for (const prediction of predictions) await compare(session, prediction, where);
  } finally {
    await session.dispose();
    tf.disposeVariables();
  }
  return true;
}

for (const [from, to] of [[1, 40], [41, 80], [81, 120]] as const) {
  it(`random models of seeds ${from} to ${to}`, async () => {
    let checked = 0;
    for (let seed = from; seed <= to; seed++) if (await check(seed)) checked++;
    expect(checked).toBeGreaterThan(30);
  });
}
