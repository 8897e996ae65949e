// One network as a layers model, a graph model and a plain function. A published model is read into steps, from which
// the other forms are built.
import * as tf from '@tensorflow/tfjs';

/** One step of a network; `from` are the names of the values it reads. */
export type Step = { name: string; from: string[] } & (
  | { kind: 'input'; shape: (number | null)[] }
  | { kind: 'affine'; scale: number; offset: number }
  | { kind: 'conv' | 'depthwise'; weights: tf.Tensor4D; bias: tf.Tensor1D; stride: number; same: boolean }
  | { kind: 'dense'; weights: tf.Tensor2D; bias: tf.Tensor1D }
  | { kind: 'upsample'; factor: number }
  | { kind: 'pool'; size: number }
  | { kind: 'relu' | 'relu6' | 'add' | 'concat' | 'flatten' | 'softmax' }
);

type Values<T> = (name: string) => T;

/** Values of all steps in order, the last of them returned. */
function walk<T>(steps: readonly Step[], make: (step: Step, of: Values<T>) => T): T {
  const values = new Map<string, T>();
  let last: T | undefined;
  const of = (name: string): T => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`expected '${name}' to be made before it is read`);
    return value;
  };
  for (const step of steps) values.set(step.name, (last = make(step, of)));
  if (last === undefined) throw new Error('expected steps, got none');
  return last;
}

/** The first value that a step reads. */
const first = <T>(step: Step, of: Values<T>): T => of(step.from[0] ?? '');

/** Layers of tfjs-layers. */
export function asLayers(steps: readonly Step[]): tf.LayersModel {
  let input: tf.SymbolicTensor | undefined;
  const output = walk<tf.SymbolicTensor>(steps, (step, of) => {
    const apply = (layer: tf.layers.Layer): tf.SymbolicTensor =>
      // symbolic in, symbolic out
      layer.apply(step.from.length > 1 ? step.from.map(of) : first(step, of)) as tf.SymbolicTensor;
    switch (step.kind) {
      case 'input':
        return (input = tf.input({ shape: step.shape }));
      case 'affine':
        return apply(tf.layers.rescaling({ scale: step.scale, offset: step.offset }));
      case 'conv':
        return apply(
          tf.layers.conv2d({
            filters: step.weights.shape[3],
            kernelSize: [step.weights.shape[0], step.weights.shape[1]],
            strides: step.stride,
            padding: step.same ? 'same' : 'valid',
            weights: [step.weights, step.bias],
          }),
        );
      case 'depthwise':
        return apply(
          tf.layers.depthwiseConv2d({
            kernelSize: [step.weights.shape[0], step.weights.shape[1]],
            strides: step.stride,
            padding: step.same ? 'same' : 'valid',
            weights: [step.weights, step.bias],
          }),
        );
      case 'dense':
        return apply(tf.layers.dense({ units: step.weights.shape[1], weights: [step.weights, step.bias] }));
      case 'upsample':
        return apply(tf.layers.upSampling2d({ size: [step.factor, step.factor] }));
      case 'pool':
        return apply(tf.layers.averagePooling2d({ poolSize: step.size, strides: 1 }));
      case 'relu':
        return apply(tf.layers.reLU());
      case 'relu6':
        return apply(tf.layers.reLU({ maxValue: 6 }));
      case 'add':
        return apply(tf.layers.add());
      case 'concat':
        return apply(tf.layers.concatenate());
      case 'flatten':
        return apply(tf.layers.flatten());
      case 'softmax':
        return apply(tf.layers.softmax());
    }
  });
  if (input === undefined) throw new Error('expected an input among the steps, got none');
  return tf.model({ inputs: input, outputs: output });
}

/** Calls of tfjs's ops. */
export function asFunction(steps: readonly Step[]): (x: tf.Tensor) => tf.Tensor {
  return (x) =>
    walk<tf.Tensor>(steps, (step, of) => {
      const value = step.kind === 'input' ? x : first(step, of);
      const picture = value as tf.Tensor4D; // as the step's kind says
      switch (step.kind) {
        case 'input':
          return x;
        case 'affine':
          return tf.add(tf.mul(value, step.scale), step.offset);
        case 'conv':
          return tf.add(tf.conv2d(picture, step.weights, step.stride, step.same ? 'same' : 'valid'), step.bias);
        case 'depthwise':
          return tf.add(
            tf.depthwiseConv2d(picture, step.weights, step.stride, step.same ? 'same' : 'valid'),
            step.bias,
          );
        case 'dense':
          return tf.add(tf.matMul(value, step.weights), step.bias);
        case 'upsample':
          return tf.image.resizeNearestNeighbor(picture, [
            picture.shape[1] * step.factor,
            picture.shape[2] * step.factor,
          ]);
        case 'pool':
          return tf.avgPool(picture, step.size, 1, 'valid');
        case 'relu':
          return tf.maximum(value, 0);
        case 'relu6':
          return tf.clipByValue(value, 0, 6);
        case 'add':
          return tf.addN(step.from.map(of));
        case 'concat':
          return tf.concat(step.from.map(of), -1);
        case 'flatten':
          return tf.reshape(value, [value.shape[0] ?? 1, -1]);
        case 'softmax':
          return tf.softmax(value);
      }
    });
}

/** A node of a graph model, with numbers in the TensorFlow converter's encoding. */
interface GraphNode {
  name: string;
  op: string;
  input?: string[];
  attr?: Record<string, unknown>;
}

/** Nodes of TensorFlow, loaded by tfjs's graph executor: the converter's own patterns for layers. */
export async function asGraph(steps: readonly Step[]): Promise<tf.GraphModel> {
  const nodes: GraphNode[] = [];
  const constants: tf.io.WeightsManifestEntry[] = [];
  const data: Uint8Array[] = [];
  const T = { type: 'DT_FLOAT' };
  const node = (name: string, op: string, input: string[], attr: Record<string, unknown> = {}): string => {
    nodes.push({ name, op, input, attr: { T, ...attr } });
    return name;
  };
  const constant = (
    name: string,
    dtype: 'float32' | 'int32',
    shape: number[],
    values: Float32Array | Int32Array,
  ): string => {
    nodes.push({
      name,
      op: 'Const',
      attr: {
        dtype: { type: dtype === 'float32' ? 'DT_FLOAT' : 'DT_INT32' },
        value: {
          tensor: {
            dtype: dtype === 'float32' ? 'DT_FLOAT' : 'DT_INT32',
            tensorShape: { dim: shape.map((size) => ({ size: String(size) })) },
          },
        },
      },
    });
    constants.push({ name, shape, dtype });
    data.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    return name;
  };
  const weight = (name: string, tensor: tf.Tensor): string =>
    constant(name, 'float32', tensor.shape, tensor.dataSync<'float32'>());
  const ints = (name: string, ...values: number[]): string =>
    constant(name, 'int32', [values.length], Int32Array.from(values));
  const list = (...values: number[]): unknown => ({ list: { i: values.map(String) } });
  const text = (value: string): unknown => ({ s: Buffer.from(value).toString('base64') });
  const nhwc = { data_format: text('NHWC'), dilations: list(1, 1, 1, 1) };

  const last = walk<string>(steps, (step, of) => {
    const x = step.kind === 'input' ? '' : first(step, of);
    const { name } = step;
    const biased = (value: string, bias: tf.Tensor): string =>
      node(name, 'BiasAdd', [value, weight(`${name}/bias`, bias)], { data_format: text('NHWC') });
    switch (step.kind) {
      case 'input':
        nodes.push({
          name,
          op: 'Placeholder',
          attr: {
            dtype: T,
            shape: { shape: { dim: [null, ...step.shape].map((size) => ({ size: String(size ?? -1) })) } },
          },
        });
        return name;
      case 'affine':
        return node(name, 'AddV2', [
          node(`${name}/Mul`, 'Mul', [x, weight(`${name}/scale`, tf.scalar(step.scale))]),
          weight(`${name}/offset`, tf.scalar(step.offset)),
        ]);
      case 'conv':
      case 'depthwise':
        return biased(
          node(
            `${name}/Conv`,
            step.kind === 'conv' ? 'Conv2D' : 'DepthwiseConv2dNative',
            [x, weight(`${name}/kernel`, step.weights)],
            { ...nhwc, strides: list(1, step.stride, step.stride, 1), padding: text(step.same ? 'SAME' : 'VALID') },
          ),
          step.bias,
        );
      case 'dense':
        return biased(
          node(`${name}/MatMul`, 'MatMul', [x, weight(`${name}/kernel`, step.weights)], {
            transpose_a: { b: false },
            transpose_b: { b: false },
          }),
          step.bias,
        );
      case 'upsample': {
        const sizes = node(
          `${name}/Sizes`,
          'StridedSlice',
          [
            node(`${name}/Shape`, 'Shape', [x], { out_type: { type: 'DT_INT32' } }),
            ints(`${name}/begin`, 1),
            ints(`${name}/end`, 3),
            ints(`${name}/step`, 1),
          ],
          {
            T: { type: 'DT_INT32' },
            Index: { type: 'DT_INT32' },
            begin_mask: { i: '0' },
            end_mask: { i: '0' },
            ellipsis_mask: { i: '0' },
            new_axis_mask: { i: '0' },
            shrink_axis_mask: { i: '0' },
          },
        );
        const wanted = node(`${name}/Mul`, 'Mul', [sizes, ints(`${name}/factor`, step.factor, step.factor)], {
          T: { type: 'DT_INT32' },
        });
        return node(name, 'ResizeNearestNeighbor', [x, wanted], {
          align_corners: { b: false },
          half_pixel_centers: { b: true },
        });
      }
      case 'pool':
        return node(name, 'AvgPool', [x], {
          ksize: list(1, step.size, step.size, 1),
          strides: list(1, 1, 1, 1),
          padding: text('VALID'),
          data_format: text('NHWC'),
        });
      case 'relu':
        return node(name, 'Relu', [x]);
      case 'relu6':
        return node(name, 'Relu6', [x]);
      case 'add':
        return node(name, 'AddV2', step.from.map(of));
      case 'concat':
        return node(name, 'ConcatV2', [...step.from.map(of), constant(`${name}/axis`, 'int32', [], Int32Array.of(3))], {
          N: { i: String(step.from.length) },
          Tidx: { type: 'DT_INT32' },
        });
      case 'flatten':
        return node(name, 'Squeeze', [x], { squeeze_dims: list(1, 2) });
      case 'softmax':
        return node(name, 'Softmax', [x]);
    }
  });
  node('Identity', 'Identity', [last]);
  const weightData = new Uint8Array(Buffer.concat(data)).buffer;
  return tf.loadGraphModel(
    tf.io.fromMemory({
      modelTopology: { node: nodes, versions: { producer: 1 } },
      weightSpecs: constants,
      weightData,
      format: 'graph-model',
    }),
  );
}

/** Steps of a functional layers model of convolutions, sums and joins. */
export function stepsOfLayers(model: tf.LayersModel): Step[] {
  return model.layers.map((layer): Step => {
    const config = layer.getConfig();
    const { name } = layer;
    const inbound = layer.inboundNodes[0]?.inboundLayers.map((before) => before.name) ?? [];
    const [weights, bias] = layer.getWeights() as [tf.Tensor4D, tf.Tensor1D]; // of a convolution; read there only
    switch (layer.getClassName()) {
      case 'InputLayer':
        return { name, from: [], kind: 'input', shape: (layer.batchInputShape ?? []).slice(1) };
      case 'Conv2D':
        return { name, from: inbound, kind: 'conv', weights, bias, stride: 1, same: config['padding'] === 'same' };
      case 'Activation':
        return { name, from: inbound, kind: 'relu' };
      case 'Add':
        return { name, from: inbound, kind: 'add' };
      case 'Concatenate':
        return { name, from: inbound, kind: 'concat' };
      case 'UpSampling2D':
        return { name, from: inbound, kind: 'upsample', factor: (config['size'] as number[])[0] ?? 1 };
      default:
        throw new Error(`expected a layer of RDN, got ${layer.getClassName()}`);
    }
  });
}

/** Steps of a graph model that the TensorFlow converter wrote, weights from the loaded model. */
export function stepsOfGraph(nodes: readonly GraphNode[], model: tf.GraphModel): Step[] {
  const constant = (name = ''): tf.Tensor => {
    const [tensor] = model.weights[name] ?? [];
    if (tensor === undefined) throw new Error(`expected a weight '${name}'`);
    return tensor;
  };
  const scalar = (name?: string): number => constant(name).dataSync()[0] ?? NaN;
  return nodes
    .filter(({ op }) => op !== 'Const')
    .flatMap(({ name, op, input = [], attr = {} }): Step[] => {
      const lists = attr as Record<
        string,
        { list?: { i?: string[]; s?: string[] }; s?: string; shape?: { dim: { size: string }[] } } | undefined
      >; // what the converter writes
      const [x = '', second] = input;
      const stride = Number(lists['strides']?.list?.i?.[1] ?? 1);
      const fused = (lists['fused_ops']?.list?.s ?? []).map((word) => Buffer.from(word, 'base64').toString());
      const activated = (step: Step): Step[] =>
        fused.includes('Relu6')
          ? [
              { ...step, name: `${name}/before` },
              { name, from: [`${name}/before`], kind: 'relu6' },
            ]
          : [step];
      switch (op) {
        case 'Placeholder':
          return [
            {
              name,
              from: [],
              kind: 'input',
              shape: (lists['shape']?.shape?.dim ?? []).slice(1).map(({ size }) => Number(size)),
            },
          ];
        case 'Mul':
          return [{ name, from: [second ?? ''], kind: 'affine', scale: scalar(x), offset: 0 }];
        case 'Sub':
          return [{ name, from: [x], kind: 'affine', scale: 1, offset: -scalar(second) }];
        case '_FusedConv2D':
          return activated({
            name,
            from: [x],
            kind: 'conv',
            weights: constant(second) as tf.Tensor4D,
            bias: constant(input[2]) as tf.Tensor1D,
            stride,
            same: true,
          });
        case 'FusedDepthwiseConv2dNative':
          return activated({
            name,
            from: [x],
            kind: 'depthwise',
            weights: constant(second) as tf.Tensor4D,
            bias: constant(input[2]) as tf.Tensor1D,
            stride,
            same: true,
          });
        case 'AddV2':
          return [{ name, from: input, kind: 'add' }];
        case 'AvgPool':
          return [{ name, from: [x], kind: 'pool', size: Number(lists['ksize']?.list?.i?.[1]) }];
        case 'Squeeze':
          return [{ name, from: [x], kind: 'flatten' }];
        case '_FusedMatMul':
          return [
            {
              name,
              from: [x],
              kind: 'dense',
              weights: constant(second) as tf.Tensor2D,
              bias: constant(input[2]) as tf.Tensor1D,
            },
          ];
        case 'Softmax':
          return [{ name, from: [x], kind: 'softmax' }];
        case 'Identity':
          return [];
        default:
          throw new Error(`expected an op of MobileNet, got ${op}`);
      }
    });
}
