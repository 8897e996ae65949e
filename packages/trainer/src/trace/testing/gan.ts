// A small DCGAN written with plain tfjs for the tests of tracing and rewriting: its networks, its variables, and one
// training step of D and G with a hand-written Adam.
import * as tf from '@tensorflow/tfjs';

/** Networks and the step. */
export interface TestGan {
  generator: tf.LayersModel;
  discriminator: tf.LayersModel;
  variables: tf.Variable[];
  step: (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>;
  dispose: () => void;
}

function need(inputs: Record<string, tf.Tensor>, name: string): tf.Tensor {
  const tensor = inputs[name];
  if (tensor === undefined) throw new Error(`no input ${name}`);
  return tensor;
}

/** Pictures of 8×8×1, latents of 6. Seeded: every call gives equal weights. */
export function testGan(width = 4): TestGan {
  const init = (seed: number): ReturnType<typeof tf.initializers.randomNormal> =>
    tf.initializers.randomNormal({ mean: 0, stddev: 0.2, seed });
  const generator = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [6], units: 2 * 2 * width, useBias: false, kernelInitializer: init(1) }),
      tf.layers.batchNormalization({ momentum: 0.9 }),
      tf.layers.activation({ activation: 'relu' }),
      tf.layers.reshape({ targetShape: [2, 2, width] }),
      tf.layers.conv2dTranspose({
        filters: width,
        kernelSize: 4,
        strides: 2,
        padding: 'same',
        useBias: false,
        kernelInitializer: init(2),
      }),
      tf.layers.batchNormalization({ momentum: 0.9 }),
      tf.layers.activation({ activation: 'relu' }),
      tf.layers.conv2dTranspose({
        filters: 1,
        kernelSize: 4,
        strides: 2,
        padding: 'same',
        activation: 'tanh',
        kernelInitializer: init(3),
      }),
    ],
  });
  const discriminator = tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [8, 8, 1],
        filters: width,
        kernelSize: 4,
        strides: 2,
        padding: 'same',
        kernelInitializer: init(4),
      }),
      tf.layers.leakyReLU({ alpha: 0.2 }),
      tf.layers.conv2d({
        filters: width,
        kernelSize: 4,
        strides: 2,
        padding: 'same',
        useBias: false,
        kernelInitializer: init(5),
      }),
      tf.layers.batchNormalization({ momentum: 0.9 }),
      tf.layers.leakyReLU({ alpha: 0.2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 1, kernelInitializer: init(6) }),
    ],
  });
  const weightsOf = (model: tf.LayersModel): tf.Variable[] =>
    model.trainableWeights.map((w) => w.read() as tf.Variable);
  const [gw, dw] = [weightsOf(generator), weightsOf(discriminator)];
  const zeros = (v: tf.Variable, kind: string): tf.Variable =>
    tf.variable(tf.zeros(v.shape), false, `${v.name}/${kind}`);
  const moments = new Map([...gw, ...dw].map((v) => [v, { m: zeros(v, 'm'), v: zeros(v, 'v') }]));
  const adam = (variables: tf.Variable[], grads: Record<string, tf.Tensor>, rate: tf.Tensor): void => {
    for (const variable of variables) {
      const state = moments.get(variable);
      const g = grads[variable.name];
      if (state === undefined || g === undefined) throw new Error(`no gradient of ${variable.name}`);
      state.m.assign(state.m.mul(0.5).add(g.mul(0.5)));
      state.v.assign(state.v.mul(0.999).add(g.square().mul(0.001)));
      variable.assign(variable.sub(rate.mul(state.m).div(state.v.sqrt().add(1e-8))));
    }
  };
  const apply = (model: tf.LayersModel, x: tf.Tensor): tf.Tensor => model.apply(x, { training: true }) as tf.Tensor;
  const step: TestGan['step'] = (inputs) => {
    const [real, z, rate] = [need(inputs, 'real'), need(inputs, 'z'), need(inputs, 'rate')];
    const d = tf.variableGrads(
      () =>
        tf.add(
          tf.softplus(tf.neg(apply(discriminator, real))).mean(),
          tf.softplus(apply(discriminator, apply(generator, z))).mean(),
        ) as tf.Scalar,
      dw,
    );
    adam(dw, d.grads, rate);
    const g = tf.variableGrads(
      () => tf.softplus(tf.neg(apply(discriminator, apply(generator, z)))).mean() as tf.Scalar,
      gw,
    );
    adam(gw, g.grads, rate);
    return { loss_d: d.value, loss_g: g.value };
  };
  const all = [...generator.weights, ...discriminator.weights].map((w) => w.read() as tf.Variable);
  const variables = [...all, ...[...moments.values()].flatMap(({ m, v }) => [m, v])];
  return {
    generator,
    discriminator,
    variables,
    step,
    dispose: () => {
      for (const { m, v } of moments.values()) tf.dispose([m, v]);
      generator.dispose();
      discriminator.dispose();
    },
  };
}

/** Inputs of the step at a batch size. */
export const ganInputs = (batch: number): { name: string; dtype: 'float32'; shape: number[] }[] => [
  { name: 'real', dtype: 'float32', shape: [batch, 8, 8, 1] },
  { name: 'z', dtype: 'float32', shape: [batch, 6] },
  { name: 'rate', dtype: 'float32', shape: [] },
];

/** Feeds of the step: sine waves, the same at every call. */
export function ganFeeds(batch: number, phase = 0): Record<string, { shape: number[]; data: Float32Array }> {
  const wave = (shape: number[], speed: number): { shape: number[]; data: Float32Array } => ({
    shape,
    data: Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(i * speed + phase)),
  });
  return {
    real: wave([batch, 8, 8, 1], 0.37),
    z: wave([batch, 6], 1.7),
    rate: { shape: [], data: Float32Array.of(0.01) },
  };
}
