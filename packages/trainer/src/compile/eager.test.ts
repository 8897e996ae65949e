// The eager engine's feeds, state by name, random numbers and disposal. Results are checked in
// tests/parity/step*.test.ts.
import { philoxBernoulli, philoxNormal } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { random } from '../trace/random.js';
import { namedVariable } from '../tfjs/variables.js';
import { eagerStep } from './eager.js';
import { traceStep } from './traced.js';
import type { StepFunction } from './step.js';

function counter(): { total: tf.Variable; step: StepFunction } {
  const total = tf.tidy(() => namedVariable('total', tf.zeros([2])));
  const step: StepFunction = ({ x, n, z }) => {
    if (x === undefined || n === undefined || z === undefined) throw new Error('inputs');
    total.assign(tf.add(total, x));
    return {
      total: tf.clone(total),
      n: tf.add(n, tf.scalar(1, 'int32')),
      z: tf.clone(z),
      mask: random.bernoulli([3], 0.5),
      big: tf.greater(x, 0),
    };
  };
  return { total, step };
}

const inputs = { x: { shape: [2] }, n: { shape: [], dtype: 'int32' }, z: { shape: [3], random: 'normal' } } as const;
const specs = { x: { ...inputs.x, shape: [2] }, n: { ...inputs.n, shape: [] }, z: { ...inputs.z, shape: [3] } };

test('runs, counts, draws by seed, step and stream, and leaves no tensor behind', async () => {
  const { total, step } = counter();
  const before = tf.memory().numTensors;
  const engine = eagerStep(step, { inputs: specs, variables: [total], seed: 9 });
  await engine.run({ x: [1, -2], n: 3 });
  const results = await engine.run({ x: { shape: [2], data: Float32Array.of(1, -2) }, n: Int32Array.of(3) });
  expect(engine.step).toBe(2);
  expect(results).toEqual({
    total: { dtype: 'float32', shape: [2], data: Float32Array.of(2, -4) },
    n: { dtype: 'int32', shape: [], data: Int32Array.of(4) },
    z: { dtype: 'float32', shape: [3], data: philoxNormal({ seed: 9, step: 1, stream: 0 }, 3) },
    mask: { dtype: 'float32', shape: [3], data: philoxBernoulli({ seed: 9, step: 1, stream: 1 }, 3, 0.5) },
    big: { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) },
  });
  expect(await engine.state()).toEqual({ total: { dtype: 'float32', shape: [2], data: Float32Array.of(2, -4) } });
  await engine.load({ total: { dtype: 'float32', shape: [2], data: Float32Array.of(7, 8) } });
  expect(total.dataSync()).toEqual(Float32Array.of(7, 8));
  await engine.writeVariables();
  expect(tf.memory().numTensors).toBe(before);
  total.dispose();
});

test('a failed step does not advance the step number; bad feeds do not change the state either', async () => {
  const { total, step } = counter();
  const engine = eagerStep(step, { inputs: specs, variables: [total] });
  await expect(engine.run({ x: [1], n: 0 })).rejects.toRefuse('input.shape', 'run.x', '[2]', 'got 1');
  await expect(engine.run({ x: [1, 2], n: Float32Array.of(1) })).rejects.toRefuse(
    'input.shape',
    'run.n',
    'got Float32Array',
  );
  await expect(engine.run({ x: ['1', 2] as never, n: 0 })).rejects.toRefuse('input.shape', 'run.x', 'got Array');
  await expect(engine.run({ x: null as never, n: 0 })).rejects.toRefuse('input.shape', 'run.x', 'got nothing');
  for (const n of [1.5, 2 ** 31, NaN])
    await expect(engine.run({ x: [1, 2], n })).rejects.toRefuse('input.shape', 'run.n', `got ${n}`);
  const lit = eagerStep(({ b }) => ({ dark: tf.logicalNot(b!) }), { inputs: { b: { shape: [2], dtype: 'bool' } } });
  for (const b of [[1, 2], Uint8Array.of(1, 2)])
    await expect(lit.run({ b })).rejects.toRefuse('input.shape', 'run.b', 'got 2');
  await expect(engine.load({ total: undefined as never })).rejects.toMatchObject({ code: 'input.shape' });
  expect([engine.step, ...total.dataSync()]).toEqual([0, 0, 0]);
  total.dispose();
});

test('refuses unknown state by name, and wrong values before loading any; cannot be used once disposed', async () => {
  const { total, step } = counter();
  const engine = eagerStep(step, { inputs: specs, variables: [total] });
  await expect(engine.state(['nothing'])).rejects.toRefuse('usage', 'state.nothing', 'total');
  const fits = { dtype: 'float32', shape: [2], data: new Float32Array([1, 1]) } as const;
  await expect(engine.load({ total: { ...fits, shape: [2] }, other: { ...fits, shape: [2] } })).rejects.toRefuse(
    'usage',
    'state.other',
    'total',
  );
  await expect(engine.load({ total: { ...fits, shape: [1, 2] } })).rejects.toRefuse(
    'input.shape',
    'load.total',
    'got float32 [1, 2]',
  );
  expect(total.dataSync()).toEqual(new Float32Array(2));
  expect(() => engine.onnx()).toThrow(
    "onnx: expected a compiled step, got an eager one (engine 'tfjs'), which has no graph; use compile()",
  );
  await engine.dispose();
  await expect(engine.run({ x: [1, 2], n: 0 })).rejects.toMatchObject({ code: 'disposed' });
  total.dispose();
});

test('variables with the same name are refused', () => {
  const [a, b] = [
    tf.tidy(() => namedVariable('twin', tf.scalar(0))),
    tf.tidy(() => namedVariable('twin', tf.scalar(0))),
  ];
  expect(() => eagerStep(() => ({}), { inputs: {}, variables: [a, b] })).toThrow(
    'eagerStep: expected variables of different names',
  );
  tf.dispose([a, b]);
});

const layer = (made: tf.layers.Layer): ((x: tf.Tensor) => tf.Tensor) => {
  const apply = (x: tf.Tensor): tf.Tensor => made.apply(x, { training: true }) as tf.Tensor;
  apply(tf.zeros([1, 4])); // so that it is built
  return apply;
};

test.each<[string, (x: tf.Tensor) => tf.Tensor]>([
  ['gaussianNoise', layer(tf.layers.gaussianNoise({ stddev: 1 }))],
  ['gaussianDropout', layer(tf.layers.gaussianDropout({ rate: 0.5 }))],
  ['alphaDropout', layer(tf.layers.alphaDropout({ rate: 0.5 }))],
  ['tf.randomNormal', (x) => x.add(tf.randomNormal([4]))],
  ['tf.randomUniform', (x) => x.add(tf.randomUniform([4]))],
  ['tf.truncatedNormal', (x) => x.add(tf.truncatedNormal([4]))],
  ['tf.randomGamma', (x) => x.add(tf.randomGamma([4], 2))],
  ['tf.rand', (x) => x.add(tf.rand([4], () => Math.random()))],
  ['Math.random', (x) => x.add(Math.random())],
  ['crypto', (x) => x.add(crypto.getRandomValues(new Uint8Array(1))[0] ?? 0)],
])('refuses numbers that the seed does not determine, as compile does: %s', async (_, f) => {
  const step: StepFunction = ({ x }) => ({ y: f(x as tf.Tensor) });
  const options = { inputs: { x: { shape: [1, 4] } } };
  const before = [Math.random, Object.hasOwn(crypto, 'getRandomValues')];
  await expect(eagerStep(step, options).run({ x: [1, 2, 3, 4] })).rejects.toRefuse(
    'export.unsupported',
    'eager.test.ts',
  );
  expect([Math.random, Object.hasOwn(crypto, 'getRandomValues')]).toEqual(before);
  expect(() => traceStep(step, options)).toRefuse('export.unsupported');
});

test('takes dropout, and numbers that tfjs draws by a seed, as compile does', async () => {
  const drop = layer(tf.layers.dropout({ rate: 0.5 }));
  const seeded = (): tf.Tensor => tf.randomNormal([1, 4], 0, 1, 'float32', 9);
  const step: StepFunction = ({ x }) => ({ y: drop(x as tf.Tensor), n: seeded() });
  const options = { inputs: { x: { shape: [1, 4] } } };
  const { n } = await eagerStep(step, options).run({ x: [1, 2, 3, 4] });
  expect(n?.data).toEqual(seeded().dataSync());
  expect(() => traceStep(step, options)).not.toThrow();
});

test('`await using` disposes of it', async () => {
  const { total, step } = counter();
  let kept;
  {
    await using engine = eagerStep(step, { inputs: specs, variables: [total] });
    kept = engine;
    await engine.run({ x: [1, -2], n: 3 });
  }
  await expect(kept.run({ x: [1, -2], n: 3 })).rejects.toRefuse('disposed');
  await kept.dispose();
});
