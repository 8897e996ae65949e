// Networks that GANs are made of, small, as tf.LayersModels: generators, enlargers, translators and critics. Weights
// are away from their initial values.
import * as tf from '@tensorflow/tfjs';
import { unsettle } from './random-models.js';

type Node = tf.SymbolicTensor;

/** What filters are multiplied with while a network is built; pictures keep their channels. */
let width = 1;
const scaled = (filters: number): number => (filters <= 3 ? filters : filters * width);

const conv = (
  x: Node,
  filters: number,
  kernelSize = 3,
  o: { strides?: number; useBias?: boolean; dilationRate?: number } = {},
): Node => tf.layers.conv2d({ filters: scaled(filters), kernelSize, padding: 'same', ...o }).apply(x) as Node;
const deconv = (x: Node, filters: number, kernelSize = 4, strides = 2): Node =>
  tf.layers
    .conv2dTranspose({ filters: scaled(filters), kernelSize, strides, padding: 'same', useBias: false })
    .apply(x) as Node;
const norm = (x: Node): Node => tf.layers.batchNormalization().apply(x) as Node;
const relu = (x: Node): Node => tf.layers.reLU().apply(x) as Node;
const leaky = (x: Node, alpha = 0.2): Node => tf.layers.leakyReLU({ alpha }).apply(x) as Node;
const prelu = (x: Node): Node => tf.layers.prelu({ sharedAxes: [1, 2] }).apply(x) as Node;
const add = (...x: Node[]): Node => tf.layers.add().apply(x) as Node;
const join = (...x: Node[]): Node => tf.layers.concatenate().apply(x) as Node;
const activation = (x: Node, name: 'tanh' | 'sigmoid'): Node =>
  tf.layers.activation({ activation: name }).apply(x) as Node;

/** Depth to space by two. */
export class Shuffle extends tf.layers.Layer {
  static readonly className = 'ForjaShuffle';
  override computeOutputShape(shape: tf.Shape): tf.Shape {
    const [batch = null, height, width, channels] = shape;
    return [batch, height == null ? null : 2 * height, width == null ? null : 2 * width, (channels ?? 4) / 4];
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x] = [inputs].flat();
    return tf.depthToSpace(x as tf.Tensor4D, 2); // it is applied to pictures
  }
}

/** x · factor: the residual scaling of ESRGAN. */
export class Scale extends tf.layers.Layer {
  static readonly className = 'ForjaScale';
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x] = [inputs].flat();
    return tf.mul(x as tf.Tensor, 0.2); // one tensor is given
  }
}

/** (x - mean) / √(variance + ε) over a picture's pixels, with learnt gain and shift. */
export class InstanceNorm extends tf.layers.Layer {
  static readonly className = 'ForjaInstanceNorm';
  private gain: tf.LayerVariable | undefined;
  private shift: tf.LayerVariable | undefined;
  override build(shape: tf.Shape | tf.Shape[]): void {
    const channels = (shape as tf.Shape).at(-1) ?? 1; // one input
    this.gain = this.addWeight('gamma', [channels], 'float32', tf.initializers.ones());
    this.shift = this.addWeight('beta', [channels], 'float32', tf.initializers.zeros());
    this.built = true;
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const [x] = [inputs].flat() as [tf.Tensor];
      const { mean, variance } = tf.moments(x, [1, 2], true);
      return x
        .sub(mean)
        .mul(variance.add(1e-3).rsqrt())
        .mul(this.gain?.read() ?? 1)
        .add(this.shift?.read() ?? 0);
    });
  }
}

/** Softmax(q kᵀ) v over all pixels, added to the picture. */
export class SelfAttention extends tf.layers.Layer {
  static readonly className = 'ForjaSelfAttention';
  private weightsOf: tf.LayerVariable[] = [];
  override build(shape: tf.Shape | tf.Shape[]): void {
    const channels = (shape as tf.Shape).at(-1) ?? 1; // one input
    this.weightsOf = ['q', 'k', 'v'].map((name) =>
      this.addWeight(name, [channels, channels], 'float32', tf.initializers.randomNormal({ stddev: 0.5, seed: 3 })),
    );
    this.built = true;
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const [x] = [inputs].flat() as [tf.Tensor];
      const [n = 1, h = 1, w = 1, c = 1] = x.shape;
      const rows = x.reshape([n * h * w, c]);
      const [q, k, v] = this.weightsOf.map((weight) => rows.matMul(weight.read()).reshape([n, h * w, c])) as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      return tf
        .softmax(q.matMul(k, false, true))
        .matMul(v)
        .reshape(x.shape)
        .add(x);
    });
  }
}

for (const layer of [Shuffle, Scale, InstanceNorm, SelfAttention]) tf.serialization.registerClass(layer);

/** A vector to a picture of 32×32, by transposed convolutions with batch norm. */
function dcgan(): tf.LayersModel {
  const z = tf.input({ shape: [12] });
  let x = tf.layers
    .reshape({ targetShape: [4, 4, scaled(16)] })
    .apply(tf.layers.dense({ units: 4 * 4 * scaled(16), useBias: false }).apply(z)) as Node;
  x = relu(norm(x));
  x = relu(norm(deconv(x, 12)));
  x = relu(norm(deconv(x, 8)));
  return tf.model({
    inputs: z,
    outputs: tf.layers
      .conv2dTranspose({ filters: 3, kernelSize: 4, strides: 2, padding: 'same', activation: 'tanh' })
      .apply(x) as Node,
  });
}

/**
 * A picture to one of four times the size: residual blocks with batch norm and PReLU, pixel shuffle (Ledig et al.
 * 2017).
 */
function srgan(): tf.LayersModel {
  const input = tf.input({ shape: [null, null, 3] });
  const first = prelu(conv(input, 8, 9));
  let x = first;
  for (let i = 0; i < 3; i++) x = add(norm(conv(prelu(norm(conv(x, 8))), 8)), x);
  x = add(norm(conv(x, 8)), first);
  for (let i = 0; i < 2; i++) x = prelu(new Shuffle({}).apply(conv(x, 16)) as Node);
  return tf.model({ inputs: input, outputs: activation(conv(x, 3, 9), 'tanh') });
}

/** A picture to one of four times the size: dense residual blocks, nearest-neighbour enlargement (Wang et al. 2018). */
function esrgan(): tf.LayersModel {
  const input = tf.input({ shape: [null, null, 3] });
  const first = conv(input, 8);
  const residual = (x: Node): Node => new Scale({}).apply(x) as Node;
  const dense = (x: Node): Node => {
    const all = [x];
    for (let i = 0; i < 4; i++) all.push(leaky(conv(all.length === 1 ? x : join(...all), 4)));
    return add(residual(conv(join(...all), 8)), x);
  };
  const block = (x: Node): Node => add(residual(dense(dense(x))), x);
  let x = add(conv(block(block(first)), 8), first);
  for (let i = 0; i < 2; i++) x = leaky(conv(tf.layers.upSampling2d({ size: [2, 2] }).apply(x) as Node, 8));
  return tf.model({ inputs: input, outputs: conv(leaky(conv(x, 8)), 3) });
}

/** Picture to picture: halves joined with what comes up again, dropout as in pix2pix (Isola et al. 2017). */
function unet(): tf.LayersModel {
  const input = tf.input({ shape: [null, null, 3] });
  const skips: Node[] = [];
  let x = leaky(conv(input, 6, 4, { strides: 2 }));
  for (const filters of [8, 10]) {
    skips.push(x);
    x = leaky(norm(conv(x, filters, 4, { strides: 2, useBias: false })));
  }
  for (const skip of skips.reverse())
    x = join(relu(tf.layers.dropout({ rate: 0.5 }).apply(norm(deconv(x, 8))) as Node), skip);
  return tf.model({
    inputs: input,
    outputs: tf.layers
      .conv2dTranspose({ filters: 3, kernelSize: 4, strides: 2, padding: 'same', activation: 'tanh' })
      .apply(x) as Node,
  });
}

/** Picture to picture: instance norm and residual blocks (Johnson et al. 2016, Zhu et al. 2017). */
function resnet(): tf.LayersModel {
  const input = tf.input({ shape: [null, null, 3] });
  const instance = (x: Node): Node => new InstanceNorm({}).apply(x) as Node;
  let x = relu(instance(conv(input, 6, 7)));
  x = relu(instance(conv(x, 8, 3, { strides: 2 })));
  for (let i = 0; i < 2; i++) x = add(instance(conv(relu(instance(conv(x, 8))), 8)), x);
  x = relu(instance(deconv(x, 6, 3)));
  return tf.model({ inputs: input, outputs: activation(conv(x, 3, 7), 'tanh') });
}

/** Features of pictures with attention over all pixels (Zhang et al. 2019). */
function attention(): tf.LayersModel {
  const input = tf.input({ shape: [null, null, 3] });
  const x = new SelfAttention({}).apply(leaky(conv(input, 6, 3, { strides: 2 }))) as Node;
  return tf.model({
    inputs: input,
    outputs: activation(
      conv(tf.layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' }).apply(x) as Node, 3),
      'sigmoid',
    ),
  });
}

/** A number for a picture. */
function critic(): tf.LayersModel {
  const input = tf.input({ shape: [24, 20, 3] });
  let x = tf.layers
    .maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' })
    .apply(leaky(norm(conv(input, 6, 5)))) as Node;
  x = leaky(norm(conv(x, 8, 3, { useBias: false, dilationRate: 2 })));
  x = tf.layers
    .separableConv2d({ filters: scaled(8), kernelSize: 3, padding: 'valid' })
    .apply(tf.layers.averagePooling2d({ poolSize: 2, padding: 'same' }).apply(x) as Node) as Node;
  x = tf.layers.layerNormalization().apply(tf.layers.flatten().apply(x)) as Node;
  return tf.model({
    inputs: input,
    outputs: tf.layers.dense({ units: 1 }).apply(tf.layers.dense({ units: 10, activation: 'elu' }).apply(x)) as Node,
  });
}

/** A vector and a class to a picture. */
function conditional(): tf.LayersModel {
  const [z, label] = [tf.input({ shape: [8] }), tf.input({ shape: [1], dtype: 'int32' })];
  const embedded = tf.layers.flatten().apply(tf.layers.embedding({ inputDim: 10, outputDim: 6 }).apply(label)) as Node;
  let x = tf.layers
    .reshape({ targetShape: [3, 3, 8] })
    .apply(tf.layers.dense({ units: 72, activation: 'selu' }).apply(join(z, embedded))) as Node;
  x = relu(norm(deconv(x, 6, 5, 3)));
  return tf.model({ inputs: [z, label], outputs: activation(conv(x, 1), 'sigmoid') });
}

const MAKERS: Readonly<Record<string, () => tf.LayersModel>> = {
  dcgan,
  srgan,
  esrgan,
  unet,
  resnet,
  attention,
  critic,
  conditional,
};

/** The network of that name, its filters multiplied. The same name gives the same weights. */
export function network(name: string, wide = 1): tf.LayersModel {
  width = wide;
  try {
    const make = MAKERS[name];
    if (make === undefined) throw new Error(`expected one of ${Object.keys(MAKERS).join(', ')}, got ${name}`);
    const model = unsettle(make(), 100 * (Object.keys(MAKERS).indexOf(name) + 1));
    if (name === 'srgan') soften(model);
    return model;
  } finally {
    width = 1;
  }
}

/**
 * Makes the weights before the last activation smaller: a tanh of numbers around 25, as residual blocks with random
 * weights give, turns float32's rounding into 1e-4 of its range.
 */
function soften(model: tf.LayersModel): void {
  for (const weight of model.layers.at(-2)?.weights ?? []) weight.write(tf.mul(weight.read(), 0.04));
}

/** Names of all networks. */
export const NETWORKS: readonly string[] = Object.keys(MAKERS);
