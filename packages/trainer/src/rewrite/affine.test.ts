// Folding of batch norm, factors and biases into preceding layers, on the layers that emit them, against eager tfjs.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Program } from '../program/program.js';
import { trace } from '../trace/trace.js';
import { align } from './align.js';
import { optimize } from './optimize.js';
import { replay } from '../program/replay.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const init = (seed: number): ReturnType<typeof tf.initializers.randomNormal> =>
  tf.initializers.randomNormal({ seed, stddev: 0.5 });
const norm = (args: Parameters<typeof tf.layers.batchNormalization>[0] = {}): tf.layers.Layer =>
  tf.layers.batchNormalization({
    gammaInitializer: init(1),
    betaInitializer: init(2),
    movingMeanInitializer: init(3),
    movingVarianceInitializer: tf.initializers.randomUniform({ minval: 0.2, maxval: 3, seed: 4 }),
    ...args,
  });
type Shape = [number, ...number[]];
const wave = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 0.7 + 0.2));

/** Kernels of the optimized program of `layers`, at any batch; checks that its numbers are those of model.predict. */
function folded(shape: Shape, layers: tf.layers.Layer[]): string[] {
  const model = tf.sequential({ layers: [tf.layers.inputLayer({ inputShape: shape }), ...layers] });
  const at = (batch: number): Program =>
    trace(({ x }) => ({ y: model.apply(x as tf.Tensor) as tf.Tensor }), {
      inputs: [{ name: 'x', dtype: 'float32', shape: [batch, ...shape] }],
      variables: 'constant',
    }).program;
  const program = optimize(align([3, 5].map((batch) => ({ program: at(batch), sizes: { batch } }))));
  const data = wave(2 * shape.reduce((a, b) => a * b, 1));
  const expected = tf.tidy(() => (model.predict(tf.tensor(data, [2, ...shape])) as tf.Tensor).dataSync());
  expect(replay(program, { x: { data } }, { sizes: { batch: 2 } })['y']?.data).toBeAllclose(expected, {
    rtol: 1e-5,
    atol: 1e-5,
  });
  model.dispose();
  return program.calls.map((call) => call.kernel).filter((kernel) => kernel !== 'Reshape');
}

describe('foldAffine', () => {
  it('folds into convolutions, with and without bias, any activation after', () => {
    const conv = (useBias: boolean): tf.layers.Layer =>
      tf.layers.conv2d({
        filters: 5,
        kernelSize: 3,
        strides: 2,
        padding: 'same',
        useBias,
        kernelInitializer: init(5),
        biasInitializer: init(6),
      });
    expect(folded([6, 6, 3], [conv(false), norm()])).toEqual(['FusedConv2D']);
    expect(folded([6, 6, 3], [conv(true), norm(), tf.layers.reLU()])).toEqual(['FusedConv2D', 'Relu']);
    expect(folded([6, 6, 3], [conv(true), norm({ scale: false, center: false, epsilon: 0.1 })])).toEqual([
      'FusedConv2D',
    ]);
  });

  it('folds into transposed convolutions, whose bias is an addition', () => {
    const up = (useBias: boolean): tf.layers.Layer =>
      tf.layers.conv2dTranspose({
        filters: 5,
        kernelSize: 4,
        strides: 2,
        padding: 'same',
        useBias,
        kernelInitializer: init(5),
        biasInitializer: init(6),
      });
    expect(folded([3, 3, 2], [up(false), norm()])).toEqual(['Conv2DBackpropInput', 'Add']);
    expect(folded([3, 3, 2], [up(true), norm(), tf.layers.leakyReLU()])).toEqual([
      'Conv2DBackpropInput',
      'Add',
      'LeakyRelu',
    ]);
  });

  it('folds into depthwise convolutions of several multipliers', () => {
    expect(
      folded(
        [5, 5, 3],
        [
          tf.layers.depthwiseConv2d({
            kernelSize: 3,
            depthMultiplier: 2,
            depthwiseInitializer: init(5),
            biasInitializer: init(6),
          }),
          norm(),
        ],
      ),
    ).toEqual(['FusedDepthwiseConv2D']);
    expect(
      folded(
        [5, 5, 3],
        [tf.layers.depthwiseConv2d({ kernelSize: 3, useBias: false, depthwiseInitializer: init(5) }), norm()],
      ),
    ).toEqual(['FusedDepthwiseConv2D']);
  });

  it.each<[string, number[], (x: tf.Tensor) => tf.Tensor]>([
    [
      'Conv3D',
      [1, 3, 4, 4, 2],
      (x) => tf.conv3d(x as tf.Tensor5D, tf.randomNormal([2, 2, 2, 2, 2], 0, 1, 'float32', 5), 1, 'same'),
    ],
    [
      'DepthwiseConv2dNativeBackpropInput',
      [1, 4, 4, 4],
      (dy) =>
        tf
          .engine()
          .runKernel(
            'DepthwiseConv2dNativeBackpropInput',
            { dy, filter: tf.randomNormal([3, 3, 2, 2], 0, 1, 'float32', 5) },
            { strides: 1, pad: 'same', dilations: 1, dimRoundingMode: undefined, inputShape: [1, 4, 4, 2] } as never,
          ) as tf.Tensor,
    ],
  ])('folds factors of channels into %s', (kernel, shape, of) => {
    const apply = (x: tf.Tensor): tf.Tensor => tf.mul(of(x), tf.tensor1d([2, -3]));
    const { program } = trace(({ x }) => ({ y: apply(x as tf.Tensor) }), {
      inputs: [{ name: 'x', dtype: 'float32', shape }],
      variables: 'constant',
    });
    const [after, data] = [optimize(program), wave(shape.reduce((a, b) => a * b, 1))];
    expect(after.calls.map((call) => call.kernel)).toEqual([kernel]);
    expect(replay(after, { x: { data } })['y']?.data).toBeAllclose(apply(tf.tensor(data, shape)).dataSync(), {
      rtol: 1e-5,
      atol: 1e-5,
    });
  });

  it('folds into dense layers, through the reshape to a picture too', () => {
    const dense = (units: number, useBias = true): tf.layers.Layer =>
      tf.layers.dense({ units, useBias, kernelInitializer: init(5), biasInitializer: init(6) });
    expect(folded([4], [dense(6), norm()])).toEqual(['_FusedMatMul']);
    expect(
      folded([4], [dense(2 * 3 * 5, false), tf.layers.reshape({ targetShape: [2, 3, 5] }), norm(), tf.layers.reLU()]),
    ).toEqual(['_FusedMatMul', 'Relu']);
  });

  it('folds a whole stack', () => {
    const block = (): tf.layers.Layer[] => [
      tf.layers.conv2d({ filters: 3, kernelSize: 3, padding: 'same', useBias: false, kernelInitializer: init(7) }),
      norm(),
      tf.layers.leakyReLU(),
    ];
    expect(folded([4, 4, 2], [...block(), ...block()])).toEqual([
      'FusedConv2D',
      'LeakyRelu',
      'FusedConv2D',
      'LeakyRelu',
    ]);
  });

  it('folds factors, quotients and biases that stand alone, as other converters leave them', () => {
    const w = tf.randomNormal([3, 3, 2, 4], 0, 0.4, 'float32', 8) as tf.Tensor4D;
    const [gain, shift] = [
      tf.randomNormal([4], 1, 0.3, 'float32', 9),
      tf.randomNormal([1, 1, 1, 4], 0, 1, 'float32', 10),
    ];
    const kernels = (fn: (x: tf.Tensor4D) => tf.Tensor): string[] => {
      const at = (batch: number): Program =>
        trace(({ x }) => ({ y: fn(x as tf.Tensor4D) }), {
          inputs: [{ name: 'x', dtype: 'float32', shape: [batch, 5, 5, 2] }],
          variables: 'constant',
        }).program;
      const program = optimize(align([3, 5].map((batch) => ({ program: at(batch), sizes: { batch } }))));
      const data = wave(100);
      expect(replay(program, { x: { data } }, { sizes: { batch: 2 } })['y']?.data).toBeAllclose(
        tf.tidy(() => fn(tf.tensor(data, [2, 5, 5, 2])).dataSync()),
        { rtol: 1e-5, atol: 1e-5 },
      );
      return program.calls.map((call) => call.kernel);
    };
    const conv = (x: tf.Tensor4D): tf.Tensor4D => tf.conv2d(x, w, 1, 'same');
    expect(kernels((x) => conv(x).mul(gain).add(shift))).toEqual(['FusedConv2D']);
    expect(kernels((x) => conv(x).sub(shift).div(gain).mul(0.2))).toEqual(['FusedConv2D']);
    expect(kernels((x) => tf.sub(1, conv(x)))).toEqual(['FusedConv2D']);
    expect(kernels((x) => conv(x).mul(0.5))).toEqual(['Conv2D']);
    expect(
      kernels((x) =>
        tf
          .conv2dTranspose(x, w.transpose([0, 1, 3, 2]) as tf.Tensor4D, [x.shape[0], 10, 10, 4], 2, 'same')
          .mul(gain)
          .add(shift)
          .mul(2),
      ),
    ).toEqual(['Conv2DBackpropInput', 'Add']);
    expect(
      kernels((x) =>
        x
          .matMul(w.reshape([2, 36]))
          .mul(3)
          .add(1)
          .relu(),
      ),
    ).toEqual(expect.arrayContaining(['_FusedMatMul', 'Relu']));
    // Not folded: a division by the picture, and a filter with a second reader.
    expect(kernels((x) => tf.div(1, conv(x).add(9)))).toContain('RealDiv');
    expect(
      kernels((x) =>
        conv(x)
          .mul(0.5)
          .add(conv(tf.relu(x) as tf.Tensor4D)),
      ),
    ).toContain('Multiply');
  });

  it('stays behind activations, other readers, and reshapes that mix channels', () => {
    const conv = tf.layers.conv2d({ filters: 4, kernelSize: 1, kernelInitializer: init(5), activation: 'relu' });
    expect(folded([2, 2, 3], [conv, norm()])).toContain('FusedBatchNorm');
    expect(
      folded(
        [4],
        [
          tf.layers.dense({ units: 6, kernelInitializer: init(5) }),
          tf.layers.reshape({ targetShape: [2, 3] }),
          tf.layers.permute({ dims: [2, 1] }),
          norm(),
        ],
      ),
    ).toContain('FusedBatchNorm');
    expect(
      folded([4, 4, 2], [norm(), tf.layers.conv2d({ filters: 3, kernelSize: 3, kernelInitializer: init(5) })]),
    ).toEqual(['FusedBatchNorm', 'FusedConv2D']);
    const input = tf.input({ shape: [4] });
    const shared = tf.layers.dense({ units: 3, kernelInitializer: init(5) }).apply(input) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: [shared, norm().apply(shared) as tf.SymbolicTensor] });
    const { program } = trace(
      ({ x }) => {
        const [a, b] = model.apply(x as tf.Tensor) as [tf.Tensor, tf.Tensor];
        return { a, b };
      },
      { inputs: [{ name: 'x', dtype: 'float32', shape: [2, 4] }], variables: 'constant' },
    );
    expect(optimize(program).calls.map((call) => call.kernel)).toContain('FusedBatchNorm');
    model.dispose();
  });

  it('leaves a training step alone', () => {
    const model = tf.sequential({
      layers: [tf.layers.conv2d({ inputShape: [4, 4, 2], filters: 3, kernelSize: 3 }), norm()],
    });
    const { program } = trace(({ x }) => ({ y: model.apply(x as tf.Tensor, { training: true }) as tf.Tensor }), {
      inputs: [{ name: 'x', dtype: 'float32', shape: [2, 4, 4, 2] }],
      variables: 'state',
    });
    expect(optimize(program).calls.filter((call) => call.kernel === 'FusedBatchNorm')).toHaveLength(1);
    model.dispose();
  });
});
