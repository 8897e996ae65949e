// Layers in training against PyTorch in float64 (tests/vectors/layers.py): values, first- and second-order gradients by
// inputs and weights, and updates of non-trainable weights.
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { withGradients } from '../../gradients/index.js';
import { selfAttention } from '../self-attention.js';
import {
  conditionalNorm,
  instanceNorm,
  minibatchDeviation,
  projection,
  reflectPad,
  seededDropout,
  spectralConv,
  spectralDense,
} from './index.js';

interface Packed {
  shape: number[];
  data: number[];
}
interface Case {
  name: string;
  inputs: Packed[];
  labels: number[] | null;
  weights: Record<string, Packed>;
  fixed: Record<string, Packed>;
  value: Packed;
  w: Packed;
  v: Packed[];
  first: Packed[];
  second: Packed[];
  after: Record<string, Packed>;
}
const { cases } = JSON.parse(
  readFileSync(new URL('../../../../../tests/vectors/layers.json', import.meta.url), 'utf8'),
) as { cases: Case[] };

type S = tf.SymbolicTensor;
const name = 'l';
type Build = (x: S, labels: S) => S;
const one =
  (layer: () => tf.layers.Layer): Build =>
  (x) =>
    layer().apply(x) as S;
const withLabels =
  (layer: () => tf.layers.Layer): Build =>
  (x, labels) =>
    layer().apply([x, labels]) as S;
const tanh = (x: S): S => tf.layers.activation({ activation: 'tanh' }).apply(x) as S;

const LAYERS: Record<string, Build> = {
  instanceNorm: one(() => instanceNorm({ name })),
  'instanceNorm affine': one(() => instanceNorm({ name, affine: true })),
  conditionalNorm: withLabels(() => conditionalNorm({ name, classes: 3 })),
  spectralConv: one(() => spectralConv({ name, filters: 3, kernelSize: 3 })),
  'spectralConv stride 2': one(() => spectralConv({ name, filters: 3, kernelSize: 4, strides: 2 })),
  'spectralDense then tanh': (x, labels) => tanh(one(() => spectralDense({ name, units: 4 }))(x, labels)),
  projection: withLabels(() => projection({ name, classes: 3 })),
  'projection spectral': withLabels(() => projection({ name, classes: 3, spectral: true })),
  minibatchDeviation: one(() => minibatchDeviation({ name, group: 3 })),
  selfAttention: (x) => selfAttention(x, { name }),
  reflectPad: (x, labels) => one(() => reflectPad({ name, by: 2 }))(tanh(x), labels),
};

const tensor = ({ data, shape }: Packed): tf.Tensor => tf.tensor(data, shape);

/** The layer as a network, and its weights by their names without the layer's. */
function build(given: Case): { model: tf.LayersModel; weights: Map<string, tf.LayerVariable> } {
  const layer = LAYERS[given.name];
  const [input] = given.inputs;
  if (layer === undefined || input === undefined) throw new Error(`no layer for ${given.name}`);
  const x = tf.input({ shape: input.shape.slice(1) });
  const labels = tf.input({ shape: [], dtype: 'int32' });
  const y = layer(x, labels);
  const model = tf.model({ inputs: given.labels === null ? x : [x, labels], outputs: y });
  return { model, weights: new Map(model.weights.map((w) => [w.originalName.slice(name.length + 1), w])) };
}

function fill(weights: ReadonlyMap<string, tf.LayerVariable>, given: Case): void {
  for (const [key, value] of Object.entries({ ...given.weights, ...given.fixed }))
    tf.tidy(() => void weights.get(key)?.write(tensor(value)));
}

const largest = (values: readonly number[]): number => values.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-3);

test('every case has a layer, and every layer a case', () => {
  expect(cases.map((c) => c.name).sort()).toEqual(Object.keys(LAYERS).sort());
});

describe.each(cases)('$name', (given) => {
  const apply = (model: tf.LayersModel, x: tf.Tensor, training: boolean): tf.Tensor =>
    model.apply(given.labels === null ? x : [x, tf.tensor1d(given.labels, 'int32')], { training }) as tf.Tensor;

  test('has PyTorch’s value, gradients and updated weights', () => {
    const { model, weights } = build(given);
    expect([...weights.keys()].sort()).toEqual([...Object.keys(given.weights), ...Object.keys(given.fixed)].sort());
    const x = tf.tidy(() => tf.variable(given.inputs[0] === undefined ? tf.scalar(0) : tensor(given.inputs[0])));
    const variables = [x, ...Object.keys(given.weights).map((key) => weights.get(key)?.read() as tf.Variable)];
    const objective = (): tf.Scalar => tf.sum(tf.mul(apply(model, x, true), tensor(given.w)));
    const gradients = (f: () => tf.Scalar): tf.Tensor[] => {
      fill(weights, given); // a call in training moves statistics
      const { grads } = tf.variableGrads(f, variables);
      return variables.map((v) => grads[v.name] ?? tf.zerosLike(v));
    };
    tf.tidy(() =>
      withGradients(() => {
        fill(weights, given);
        expect(apply(model, x, true).dataSync()).toBeAllclose(given.value.data, { rtol: 1e-5, atol: 1e-5 });
        for (const [key, after] of Object.entries(given.after))
          expect(weights.get(key)?.read().dataSync() ?? [], key).toBeAllclose(after.data, { rtol: 1e-5, atol: 1e-6 });
        gradients(objective).forEach((g, i) => {
          const wanted = given.first[i]?.data ?? [];
          expect(g.dataSync(), `first order, ${i}`).toBeAllclose(wanted, { rtol: 1e-4, atol: 1e-5 * largest(wanted) });
        });
        const inner = (): tf.Scalar => {
          const { grads } = tf.variableGrads(objective, variables);
          return tf.addN(
            variables.map((v, i) => {
              const direction = given.v[i];
              const gradient = grads[v.name];
              if (direction === undefined || gradient === undefined) throw new Error(v.name);
              // tfjs refuses to differentiate by variables that the result does not depend on
              return tf.add<tf.Scalar>(tf.sum(tf.mul(gradient, tensor(direction))), tf.sum(tf.mul(v, 0)));
            }),
          );
        };
        gradients(inner).forEach((g, i) => {
          const wanted = given.second[i]?.data ?? [];
          expect(g.dataSync(), `second order, ${i}`).toBeAllclose(wanted, { rtol: 1e-4, atol: 1e-4 * largest(wanted) });
        });
      }),
    );
    x.dispose();
    model.dispose();
  });

  test('comes back from JSON with the same numbers, in inference too', async () => {
    const { model, weights } = build(given);
    fill(weights, given);
    // tfjs's types call what it writes a string and what it reads an object
    const again = await tf.models.modelFromJSON({
      modelTopology: model.toJSON(undefined, false),
    } as unknown as tf.io.ModelJSON);
    again.setWeights(model.getWeights());
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const x = tensor(given.inputs[0] ?? { shape: [], data: [] });
      const [a, b] = [model, again].map((m) => apply(m, x, false).dataSync());
      expect(b).toEqual(a);
    });
    expect(tf.memory().numTensors).toBe(before);
    again.dispose();
    model.dispose();
  });
});

test('dropout draws from the step’s seed in training, and does nothing in inference', async () => {
  const { withRandom } = await import('../../trace/random.js');
  const layer = seededDropout({ rate: 0.25, name: 'drop' });
  tf.tidy(() => {
    const x = tf.ones([40, 50]);
    const draw = (step: number): Float32Array =>
      withRandom({ seed: 1, step }, () => (layer.apply(x, { training: true }) as tf.Tensor).dataSync<'float32'>());
    const [a, again, other] = [draw(0), draw(0), draw(1)];
    expect(again).toEqual(a);
    expect(other).not.toEqual(a);
    expect([...new Set(a)].sort()).toBeAllclose([0, 1 / 0.75], { rtol: 1e-6 });
    const share = a.filter((v) => v === 0).length / a.length;
    expect(Math.abs(share - 0.25)).toBeLessThan(5 * Math.sqrt((0.25 * 0.75) / a.length));
    expect((layer.apply(x, { training: false }) as tf.Tensor).dataSync()).toEqual(x.dataSync());
  });
});

test('a batch that is not a multiple of the group is refused', () => {
  const layer = minibatchDeviation({ group: 4, name: 'deviation' });
  const refused = expect.objectContaining({ code: 'input.shape' }) as Error;
  tf.tidy(() => {
    expect((layer.apply(tf.ones([3, 2, 2, 1])) as tf.Tensor).shape).toEqual([3, 2, 2, 2]);
    expect(() => layer.apply(tf.ones([6, 2, 2, 1]))).toThrow(refused);
  });
});
