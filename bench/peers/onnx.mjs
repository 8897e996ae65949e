// Peer of bench:graph: one ONNX file in onnxruntime-node, in this process. Started by lib/peer.mjs: node onnx.mjs
// <file> <inputs as JSON> <threads>.
import * as ort from 'onnxruntime-node';
import { serve } from '../lib/serve.mjs';

const [, , file, inputs, threads] = process.argv;
const session = await ort.InferenceSession.create(file, {
  intraOpNumThreads: Number(threads),
  extra: { session: { intra_op: { allow_spinning: '0' } } },
});
let state = 1;
const draw = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
// Order and types of inputs are taken from the file, because converters differ in both.
const ARRAYS = { float32: Float32Array, int32: Int32Array, int64: BigInt64Array };
const free = session.inputMetadata.map(({ name, type, shape }) => ({ name, type, shape }));
const fits = (shape) => (input) =>
  input.shape.length === shape.length &&
  input.shape.every((size, i) => typeof size !== 'number' || size < 0 || size === shape[i]);
const feeds = Object.fromEntries(
  JSON.parse(inputs).map(({ dtype, shape }) => {
    const [{ name, type }] = free.splice(Math.max(0, free.findIndex(fits(shape))), 1);
    const whole = dtype === 'int32' || type !== 'float32';
    const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
      whole ? Math.floor(draw() * 10) : draw() * 2 - 1,
    );
    return [name, new ort.Tensor(type, ARRAYS[type].from(values, type === 'int64' ? BigInt : Number), shape)];
  }),
);
await serve(() => session.run(feeds), { onnxruntime: ort.env?.versions?.node ?? 'unknown' }, { warmup: 3 });
await session.release();
