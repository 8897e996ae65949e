import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { runtime } from '@forja/node';
import { train } from './train/train.js';
it.each(['tfjs', 'onnx'] as const)('trains by %s', async (engine) => {
  await tf.setBackend('cpu');
  const r = runtime({ device: 'cpu', executor: 'inline' });
  const result = await train(
    {
      system: 'mlp',
      data: 'ring',
      steps: 4,
      batch: 8,
      base: 4,
      engine,
      sampleEvery: 2,
      sampleCount: 5,
      checkpointEvery: 2,
      dSteps: 1,
      penalties: { r1: 0.1, 'gradient-penalty': { weight: 1, k: 1 } },
    },
    { runtime: r },
  );
  console.log(JSON.stringify(await result.store.lines(), null, 1).slice(0, 900), result.exportError);
  await r.dispose();
});
