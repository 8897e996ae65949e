// The generator in jax-js, a peer of bench:peers: the layers of the ONNX file, compiled with jit, with channels last. A
// transposed convolution of stride 2 is written as four matrix products of patches, one for each pixel of the 2×2
// blocks of the result; jax-js's own convolution took 40 times as long.
import { decodeModel } from '@forja/core/onnx';

const floats = ({ rawData }) => new Float32Array(rawData.slice().buffer);
const integers = ({ rawData }) => Array.from(new BigInt64Array(rawData.slice().buffer), Number);
/** The pixels of a 2×2 block. */
const BLOCK = [0, 1].flatMap((a) => [0, 1].map((b) => [a, b]));

/** Reorders the output columns of a dense layer from [c, h, w] to [h, w, c]. */
function channelsLast(data, [c, h, w]) {
  const each = c * h * w;
  return data.map((_, i) => {
    const at = i % each;
    return data[i - at + (at % c) * h * w + Math.floor(at / c)];
  });
}

/** Kernel [in, out, 4, 4] as the taps of pixel (a, b) of a block, [4·in, out]. */
const taps = (data, [inner, outer], [a, b]) =>
  Float32Array.from({ length: 4 * inner * outer }, (_, i) => {
    const [out, c, tap] = [i % outer, Math.floor(i / outer) % inner, Math.floor(i / (outer * inner))];
    return data[((c * outer + out) * 4 + 3 - a - 2 * (tap >> 1)) * 4 + 3 - b - 2 * (tap & 1)];
  });

/** Transposed convolution of kernel 4, stride 2 and pad 1: x [n, h, w, c] → [n, 2h, 2w, out]. */
function upwards(np, x, columns) {
  const [n, h, w, c] = x.shape;
  const around = [1, 1];
  const padded = np.pad(x, [[0, 0], around, around, [0, 0]]);
  const pixels = BLOCK.map(([a, b], i) => {
    const read = BLOCK.map(([y, z]) => padded.ref.slice([], [a + y, a + y + h], [b + z, b + z + w], []));
    return np.matmul(np.concatenate(read, -1).reshape([n * h * w, 4 * c]), columns[i]);
  });
  padded.dispose();
  return np
    .stack(pixels, 1)
    .reshape([n, h, w, 2, 2, -1])
    .transpose([0, 1, 3, 2, 4, 5])
    .reshape([n, 2 * h, 2 * w, -1]);
}

/**
 * Returns `step`, which makes the pictures of `z` [batch, latent], and the pictures' `dims`. The first argument is the
 * package.
 */
export async function jaxNetwork({ defaultDevice, init, jit, nn, numpy: np }, bytes, batch, z) {
  await init('wasm');
  defaultDevice('wasm');
  const { graph } = decodeModel(bytes);
  const constants = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  const constant = ({ inputs }) => constants.get(inputs[1]);
  /** Weights are inputs of the compiled function, not part of its code. */
  const weights = [];
  const weight = (data, dims) => weights.push(np.array(data).reshape(dims)) - 1;

  /** By operator: makes a layer of the function. A Reshape is part of the matrix product before it. */
  const LAYERS = {
    MatMul(node, next) {
      const dims = constant(node).dims.map(Number);
      const [, c, h, w] = integers(constant(next));
      const at = weight(channelsLast(floats(constant(node)), [c, h, w]), dims);
      return (x, given) => np.matmul(x, given[at].ref).reshape([batch, h, w, c]);
    },
    Reshape: () => (x) => x,
    ConvTranspose(node) {
      const [inner, outer] = constant(node).dims.map(Number);
      const data = floats(constant(node));
      const at = BLOCK.map((pixel) => weight(taps(data, [inner, outer], pixel), [4 * inner, outer]));
      return (x, given) => upwards(np, x, at.map((i) => given[i].ref)); // prettier-ignore
    },
    Relu: () => (x) => nn.relu(x),
    Tanh: () => (x) => np.tanh(x),
  };
  const layers = graph.nodes.map((node, i) => LAYERS[node.opType](node, graph.nodes[i + 1]));
  const network = jit((x, given) => {
    const made = layers.reduce((value, layer) => layer(value, given), x);
    for (const one of given) one.dispose();
    return made;
  });
  const run = () => {
    const x = np.array(z).reshape([batch, z.length / batch]);
    return network(x, weights.map((one) => one.ref)); // prettier-ignore
  };
  const made = run();
  const dims = made.shape;
  made.dispose();
  return { dims, step: () => run().data() };
}
