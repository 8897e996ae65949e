// Random tf.LayersModels by seed: chains with branches over pictures, sequences and vectors, of every kind of layer
// that tfjs has. Weights are all away from their initial values.
import * as tf from '@tensorflow/tfjs';

type Node = tf.SymbolicTensor;
type LayerLike = tf.layers.Layer;

/** Draws by seed. */
export interface Dice {
  /** In [0, 1). */
  next(): number;
  /** Whole, from `low` to `high`. */
  whole(low: number, high: number): number;
  pick<T>(from: readonly T[]): T;
  chance(p: number): boolean;
}

/** Mulberry32. */
export function dice(seed: number): Dice {
  let state = (seed * 0x9e3779b1) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    whole: (low, high) => low + Math.floor(next() * (high - low + 1)),
    pick: <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T, // lists are not empty
    chance: (p) => next() < p,
  };
}

const ACTIVATIONS = [
  'elu',
  'hardSigmoid',
  'linear',
  'relu',
  'relu6',
  'selu',
  'sigmoid',
  'softmax',
  'softplus',
  'softsign',
  'tanh',
  'swish',
  'mish',
  'gelu',
  'gelu_new',
] as const;
type Activation = (typeof ACTIVATIONS)[number];

/** x · tanh(x) + its mean over the last axis: a layer of the user's own. */
class Bend extends tf.layers.Layer {
  static readonly className = 'ForjaFuzzBend';
  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x] = Array.isArray(inputs) ? inputs : [inputs];
    if (x === undefined) throw new Error('Bend: expected an input');
    return tf.tidy(() => tf.add(tf.mul(x, tf.tanh(x)), tf.mean(x, -1, true)));
  }
}
tf.serialization.registerClass(Bend);

interface Kit {
  d: Dice;
  activation(): Activation;
  pads(): 'same' | 'valid';
}

type Maker = (k: Kit, x: Node) => LayerLike | undefined;

const size = (x: Node, axis: number): number => x.shape[axis] ?? 1;
const channels = (x: Node): number => size(x, x.shape.length - 1);
const elements = (x: Node): number => x.shape.slice(1).reduce<number>((count, n) => count * (n ?? 1), 1);
const small = (x: Node): boolean => size(x, 1) * size(x, 2) <= 400;

/** The window that fits, for valid padding. */
const windows = ({ d }: Kit, x: Node): [number, number] => [
  d.whole(1, Math.min(5, size(x, 1))),
  d.whole(1, Math.min(5, size(x, 2))),
];
const strides = ({ d }: Kit): [number, number] => [d.whole(1, 3), d.whole(1, 3)];

const anywhere: Record<string, Maker> = {
  activation: (k) => tf.layers.activation({ activation: k.activation() }),
  leakyReLU: ({ d }) => tf.layers.leakyReLU({ alpha: d.pick([0.01, 0.2, 0.5]) }),
  prelu: ({ d }, x) =>
    tf.layers.prelu({
      ...(x.shape.length > 2 && d.chance(0.6) ? { sharedAxes: x.shape.length === 4 ? [1, 2] : [1] } : {}),
    }),
  elu: () => tf.layers.elu({}),
  thresholdedReLU: ({ d }) => tf.layers.thresholdedReLU({ theta: d.pick([0, 0.3, 1]) }),
  softmax: ({ d }, x) => tf.layers.softmax({ axis: d.chance(0.3) && x.shape.length === 3 ? 1 : -1 }),
  reLU: ({ d }) => tf.layers.reLU(d.chance(0.4) ? { maxValue: d.pick([1, 6]) } : {}),
  dropout: () => tf.layers.dropout({ rate: 0.5 }),
  gaussianNoise: () => tf.layers.gaussianNoise({ stddev: 1 }),
  gaussianDropout: () => tf.layers.gaussianDropout({ rate: 0.3 }),
  alphaDropout: () => tf.layers.alphaDropout({ rate: 0.3 }),
  batchNormalization: ({ d }) =>
    tf.layers.batchNormalization({ center: d.chance(0.7), scale: d.chance(0.7), epsilon: d.pick([1e-3, 1e-5]) }),
  layerNormalization: ({ d }, x) =>
    tf.layers.layerNormalization({
      axis: d.chance(0.3) && x.shape.length > 2 ? [x.shape.length - 2, x.shape.length - 1] : -1,
      center: d.chance(0.7),
      scale: d.chance(0.7),
    }),
  dense: (k) => tf.layers.dense({ units: k.d.whole(1, 7), useBias: k.d.chance(0.7), activation: k.activation() }),
  bend: () => new Bend({}),
  rescaling: ({ d }) => tf.layers.rescaling({ scale: d.pick([0.5, 2]), offset: d.pick([0, -1]) }),
  unit: (_, x) =>
    tf.layers.reshape({ targetShape: x.shape.length < 4 ? [...x.shape.slice(1).map(Number), 1] : [elements(x)] }),
};

const pictures: Record<string, Maker> = {
  conv2d: (k, x) => {
    const { d } = k;
    const padding = k.pads();
    const dilated = d.chance(0.3);
    const kernelSize = windows(k, x);
    const dilationRate: [number, number] | undefined =
      dilated && (padding === 'same' || (kernelSize[0] * 2 - 1 <= size(x, 1) && kernelSize[1] * 2 - 1 <= size(x, 2)))
        ? [2, 2]
        : undefined;
    return tf.layers.conv2d({
      filters: d.whole(1, 5),
      kernelSize,
      padding,
      strides: dilationRate === undefined ? strides(k) : 1,
      ...(dilationRate === undefined ? {} : { dilationRate }),
      useBias: d.chance(0.7),
      activation: k.activation(),
    });
  },
  conv2dTranspose: (k, x) =>
    small(x)
      ? tf.layers.conv2dTranspose({
          filters: k.d.whole(1, 4),
          kernelSize: [k.d.whole(1, 5), k.d.whole(1, 5)],
          strides: strides(k),
          padding: k.pads(),
          useBias: k.d.chance(0.7),
          activation: k.activation(),
        })
      : undefined,
  separableConv2d: (k, x) => {
    const s = k.d.whole(1, 2);
    return tf.layers.separableConv2d({
      filters: k.d.whole(1, 4),
      kernelSize: windows(k, x),
      strides: [s, s],
      padding: k.pads(),
      depthMultiplier: k.d.whole(1, 2),
      useBias: k.d.chance(0.7),
      activation: k.activation(),
    });
  },
  depthwiseConv2d: (k, x) => {
    const s = k.d.whole(1, 3);
    return tf.layers.depthwiseConv2d({
      kernelSize: windows(k, x),
      strides: [s, s],
      padding: k.pads(),
      depthMultiplier: k.d.whole(1, 3),
      useBias: k.d.chance(0.7),
      activation: k.activation(),
    });
  },
  maxPooling2d: (k, x) => tf.layers.maxPooling2d({ poolSize: windows(k, x), strides: strides(k), padding: k.pads() }),
  averagePooling2d: (k, x) =>
    tf.layers.averagePooling2d({ poolSize: windows(k, x), strides: strides(k), padding: k.pads() }),
  globalAveragePooling2d: ({ d }) => (d.chance(0.3) ? tf.layers.globalAveragePooling2d({}) : undefined),
  globalMaxPooling2d: ({ d }) => (d.chance(0.3) ? tf.layers.globalMaxPooling2d({}) : undefined),
  upSampling2d: ({ d }, x) =>
    small(x)
      ? tf.layers.upSampling2d({
          size: [d.whole(1, 3), d.whole(1, 3)],
          interpolation: d.pick(['nearest', 'bilinear'] as const),
        })
      : undefined,
  zeroPadding2d: ({ d }) =>
    tf.layers.zeroPadding2d({
      padding: [
        [d.whole(0, 2), d.whole(0, 2)],
        [d.whole(0, 2), d.whole(0, 2)],
      ],
    }),
  cropping2D: ({ d }, x) =>
    size(x, 1) > 3 && size(x, 2) > 3
      ? tf.layers.cropping2D({
          cropping: [
            [d.whole(0, 1), d.whole(0, 2)],
            [d.whole(0, 1), d.whole(0, 2)],
          ],
        })
      : undefined,
  flatten: ({ d }) => (d.chance(0.3) ? tf.layers.flatten() : undefined),
  permute: ({ d }) =>
    tf.layers.permute({
      dims: d.pick([
        [2, 1, 3],
        [3, 1, 2],
        [1, 3, 2],
        [3, 2, 1],
        [2, 3, 1],
      ]),
    }),
  rows: (_, x) => tf.layers.reshape({ targetShape: [size(x, 1), size(x, 2) * size(x, 3)] }),
  timeDistributed: (k) =>
    tf.layers.timeDistributed({
      layer: tf.layers.conv1d({ filters: k.d.whole(1, 3), kernelSize: 1 + k.d.whole(0, 2), padding: 'same' }),
    }),
  denseInTime: (k, x) =>
    size(x, 1) <= 5
      ? tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 2, activation: 'tanh' }) })
      : undefined,
};

const recurrent = (k: Kit): { units: number; returnSequences: boolean; goBackwards: boolean; useBias: boolean } => ({
  units: k.d.whole(1, 4),
  returnSequences: k.d.chance(0.5),
  goBackwards: k.d.chance(0.3),
  useBias: k.d.chance(0.8),
});
const short = (x: Node): boolean => size(x, 1) <= 8;

const sequences: Record<string, Maker> = {
  conv1d: (k, x) => {
    const padding = k.pads();
    const kernelSize = k.d.whole(1, Math.min(4, size(x, 1)));
    const dilation = k.d.chance(0.3) && (padding !== 'valid' || kernelSize * 2 - 1 <= size(x, 1)) ? 2 : 1;
    return tf.layers.conv1d({
      filters: k.d.whole(1, 4),
      kernelSize,
      padding,
      strides: dilation === 1 ? k.d.whole(1, 3) : 1,
      dilationRate: dilation,
      useBias: k.d.chance(0.7),
      activation: k.activation(),
    });
  },
  lstm: (k, x) => (short(x) ? tf.layers.lstm(recurrent(k)) : undefined),
  gru: (k, x) => (short(x) ? tf.layers.gru(recurrent(k)) : undefined),
  simpleRNN: (k, x) => (short(x) ? tf.layers.simpleRNN(recurrent(k)) : undefined),
  bidirectional: (k, x) =>
    short(x)
      ? tf.layers.bidirectional({
          layer: tf.layers.gru({ units: k.d.whole(1, 3), returnSequences: k.d.chance(0.5) }),
          mergeMode: k.d.pick(['concat', 'sum', 'mul', 'ave'] as const),
        })
      : undefined,
  masking: () => tf.layers.masking({ maskValue: 0 }),
  timeDistributed: (k) =>
    tf.layers.timeDistributed({ layer: tf.layers.dense({ units: k.d.whole(1, 4), activation: k.activation() }) }),
  maxPooling1d: (k, x) =>
    tf.layers.maxPooling1d({
      poolSize: k.d.whole(1, Math.min(3, size(x, 1))),
      strides: k.d.whole(1, 2),
      padding: k.pads(),
    }),
  averagePooling1d: (k, x) =>
    tf.layers.averagePooling1d({
      poolSize: k.d.whole(1, Math.min(3, size(x, 1))),
      strides: k.d.whole(1, 2),
      padding: k.pads(),
    }),
  globalAveragePooling1d: ({ d }) => (d.chance(0.4) ? tf.layers.globalAveragePooling1d() : undefined),
  globalMaxPooling1d: ({ d }) => (d.chance(0.4) ? tf.layers.globalMaxPooling1d({}) : undefined),
  permute: () => tf.layers.permute({ dims: [2, 1] }),
  picture: (_, x) => tf.layers.reshape({ targetShape: [size(x, 1), size(x, 2), 1] }),
  flatten: ({ d }) => (d.chance(0.4) ? tf.layers.flatten() : undefined),
  spatialDropout1d: () => tf.layers.spatialDropout1d({ rate: 0.4 }),
};

const vectors: Record<string, Maker> = {
  repeatVector: ({ d }) => tf.layers.repeatVector({ n: d.whole(1, 4) }),
  wide: (k) => tf.layers.dense({ units: k.d.pick([12, 16, 24]), activation: k.activation() }),
  picture: (_, x) => (channels(x) % 4 === 0 ? tf.layers.reshape({ targetShape: [2, 2, channels(x) / 4] }) : undefined),
  rows: (_, x) => (channels(x) % 2 === 0 ? tf.layers.reshape({ targetShape: [-1, 2] }) : undefined),
};

const BY_RANK: Record<number, Record<string, Maker>> = { 2: vectors, 3: sequences, 4: pictures };

function step(k: Kit, x: Node): Node {
  const { d } = k;
  const own = BY_RANK[x.shape.length] ?? {};
  for (let attempt = 0; attempt < 5; attempt++) {
    const table = d.chance(0.4) ? anywhere : own;
    const name = d.pick(Object.keys(table));
    const layer = table[name]?.(k, x);
    if (layer === undefined) continue;
    const y = layer.apply(x) as Node;
    const fine =
      y.shape.slice(1).every((n) => n !== null && n > 0) &&
      y.shape.length >= 2 &&
      y.shape.length <= 4 &&
      elements(y) <= 6000;
    if (fine) return y;
  }
  return x;
}

const same = (a: Node, b: Node): boolean => a.shape.join() === b.shape.join();

/** Two values made one. */
function merge(k: Kit, a: Node, b: Node): Node | undefined {
  const { d } = k;
  if (same(a, b)) {
    const layer = d.pick([
      () => tf.layers.add(),
      () => tf.layers.multiply(),
      () => tf.layers.average(),
      () => tf.layers.maximum(),
      () => tf.layers.minimum(),
      () => tf.layers.concatenate({ axis: d.chance(0.7) ? -1 : 1 }),
    ])();
    return layer.apply([a, b]) as Node;
  }
  if (a.shape.length === 2 && b.shape.length === 2) return tf.layers.concatenate().apply([a, b]) as Node;
  if (a.shape.length === b.shape.length && a.shape.slice(0, -1).join() === b.shape.slice(0, -1).join())
    return tf.layers.concatenate().apply([a, b]) as Node;
  const flat = (x: Node): Node => (x.shape.length === 2 ? x : (tf.layers.flatten().apply(x) as Node));
  return tf.layers.concatenate().apply([flat(a), flat(b)]) as Node;
}

/** Weights different from 0 and 1, so that every omission shows. */
export function unsettle(model: tf.LayersModel, seed: number): tf.LayersModel {
  model.weights.forEach((weight, i) => {
    const { shape } = weight.read();
    const positive = /variance|gamma/.test(weight.originalName);
    const small = Math.min(
      0.8,
      1.5 /
        Math.sqrt(
          Math.max(
            1,
            shape.slice(0, -1).reduce((a, b) => a * b, 1),
          ),
        ),
    );
    weight.write(
      positive
        ? tf.randomUniform(shape, 0.5, 1.5, 'float32', seed + i)
        : tf.randomNormal(shape, 0, shape.length === 1 ? 0.3 : small, 'float32', seed + i),
    );
  });
  return model;
}

/** The input: a picture, a sequence, a vector, or token ids with an embedding. */
function start({ d }: Kit): { input: Node; x: Node } {
  const kind = d.pick(['picture', 'picture', 'picture', 'sequence', 'vector', 'tokens'] as const);
  if (kind === 'tokens') {
    const input = tf.input({ shape: [d.whole(1, 6)], dtype: 'int32' });
    return {
      input,
      x: tf.layers.embedding({ inputDim: 2, outputDim: d.whole(1, 4), maskZero: d.chance(0.3) }).apply(input) as Node,
    };
  }
  const shape =
    kind === 'picture'
      ? [d.whole(1, 11), d.whole(1, 11), d.whole(1, 4)]
      : kind === 'sequence'
        ? [d.whole(1, 8), d.whole(1, 5)]
        : [d.whole(1, 9)];
  const input = tf.input({ shape });
  return { input, x: input };
}

/** A model of one to fourteen layers, or undefined where tfjs cannot build it. The same seed gives the same model. */
export function randomModel(seed: number): tf.LayersModel | undefined {
  try {
    return build(seed);
  } catch {
    return undefined;
  }
}

function build(seed: number): tf.LayersModel {
  const d = dice(seed);
  const k: Kit = {
    d,
    activation: () => (d.chance(0.4) ? 'linear' : d.pick(ACTIVATIONS)),
    pads: () => d.pick(['same', 'valid']),
  };
  const heads = Array.from({ length: d.chance(0.25) ? 2 : 1 }, () => start(k));
  const made: Node[] = heads.map(({ x }) => x);
  const chain = (from: Node, length: number): Node => {
    let x = from;
    for (let i = 0; i < length; i++) made.push((x = step(k, x)));
    return x;
  };
  let x = chain(made[0] as Node, d.whole(1, 6)); // there is at least one
  if (heads[1] !== undefined) x = merge(k, x, chain(heads[1].x, d.whole(0, 3))) ?? x;
  if (d.chance(0.35)) {
    // A branch from somewhere before, or the same value twice.
    const from = d.chance(0.2) ? x : d.pick(made);
    x = merge(k, x, chain(from, d.whole(0, 2))) ?? x;
  }
  if (d.chance(0.15) && x.shape.length === 2) {
    const shared = tf.layers.dense({ units: channels(x), activation: 'tanh' });
    x = shared.apply(shared.apply(x)) as Node;
  }
  if (d.chance(0.15)) {
    const inner = tf.input({ shape: x.shape.slice(1) });
    const nested = tf.model({ inputs: inner, outputs: step(k, step(k, inner)) });
    x = nested.apply(x) as Node;
  }
  x = chain(x, d.whole(0, 4));
  const other = d.pick(made);
  const outputs = other !== x && d.chance(0.2) ? [x, other] : [x];
  return unsettle(tf.model({ inputs: heads.map(({ input }) => input), outputs }), 1000 * seed);
}

/** What a model makes of inputs drawn by seed. */
export interface Prediction {
  inputs: tf.Tensor[];
  outputs: tf.Tensor[];
}

/** Predictions at each batch size, or undefined where tfjs cannot run the model. */
export function eagerly(model: tf.LayersModel, batches: readonly number[]): Prediction[] | undefined {
  try {
    return batches.map((batch) => {
      const inputs = model.inputs.map(({ shape, dtype }, i) => {
        const full = [batch, ...shape.slice(1).map(Number)];
        return dtype === 'int32'
          ? tf.randomUniform(full, 0, 2, 'int32', batch + i)
          : tf.randomNormal(full, 0, 1, 'float32', batch + i);
      });
      return { inputs, outputs: [model.predict(inputs)].flat() };
    });
  } catch {
    return undefined;
  }
}

/** The model's layers in a line, for messages. */
export function outline(model: tf.LayersModel): string {
  return model.layers
    .map((layer) => {
      const shapes = layer.inboundNodes.map(({ outputShapes }) => JSON.stringify(outputShapes[0]));
      return `${layer.getClassName()}${[...new Set(shapes)].join('|')}`;
    })
    .join(' → ');
}
