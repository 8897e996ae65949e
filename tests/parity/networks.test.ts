// The networks of models/ with custom layers: exported to ONNX and compared with tfjs, and trained, compiled against
// eager, with penalties that differentiate twice through every layer.
import { runtime } from '@forja/node';
import type { Runtime } from '@forja/core';
import {
  exportOnnx,
  heDeviation,
  initialise,
  makeSystem,
  residualDiscriminator,
  residualGenerator,
  translator,
  unet,
  type SystemConfigs,
} from '@forja/trainer';
import type * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectPlayable } from './support/games.js';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

const drawn = (model: tf.LayersModel): tf.LayersModel => {
  initialise(model, { seed: 1, deviation: heDeviation });
  return model;
};
const NETWORKS: Record<string, () => tf.LayersModel> = {
  'residual generator with classes, attention and spectral norm': () =>
    residualGenerator({ size: 16, base: 8, latent: 4, classes: 3, attention: 8, spectral: true }),
  translator: () => translator({ size: [16, 24], base: 4, blocks: 2 }),
  'U-Net': () => unet({ size: [16, 32], base: 4, depth: 3, dropout: 0.5 }),
};

test.each(Object.entries(NETWORKS))('%s: the file computes the same, also at other batch sizes', async (_, make) => {
  const model = drawn(make());
  const inputs = model.inputs.map(({ shape, dtype }, i) => ({
    name: `input${i}`,
    dtype: dtype === 'int32' ? ('int32' as const) : ('float32' as const),
    shape: ['batch', ...shape.slice(1).map(Number)],
    ...(dtype === 'int32' ? { role: 'label' as const, classes: ['a', 'b', 'c'] } : {}),
  }));
  const { report } = await exportOnnx(model, { inputs, verify: { runtime: host } });
  expect(report.verified).toBe('passed');
  model.dispose();
});

describe('residual networks with classes, attention, spectral norm and minibatch deviation', () => {
  const GAMES: Record<string, SystemConfigs['conditional']> = {
    'hinge, R1 and R2': { loss: 'hinge', penalties: { r1: 0.1, r2: { weight: 0.1, every: 2 } } },
    'RpGAN, gradient penalty': { loss: 'rpgan', penalties: { 'gradient-penalty': { weight: 1, sided: 'one' } } },
  };
  test.each(Object.entries(GAMES))(
    '%s: three iterations compiled are those of tfjs, and 50 stay finite',
    async (_, options) => {
      const shape = { size: 8, channels: 1, base: 8, classes: 3, attention: 4 };
      const networks = {
        g: drawn(residualGenerator({ ...shape, latent: 4 })),
        d: drawn(residualDiscriminator({ ...shape, deviation: 2 })),
      };
      const system = makeSystem(
        'conditional',
        { ...options, latent: 4, rates: { g: 1e-3, d: 1e-3 } },
        {
          batch: 4,
          networks,
          data: {
            name: 'pictures',
            count: 8,
            fields: {
              image: { shape: [8, 8, 1], dtype: 'float32', range: [-1, 1] },
              label: { shape: [], dtype: 'int32', classes: ['a', 'b', 'c'] },
            },
          },
        },
      );
      await expectPlayable(system, host);
      system.dispose();
      for (const model of Object.values(networks)) model.dispose();
    },
  );
});
