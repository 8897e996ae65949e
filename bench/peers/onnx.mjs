// Peer of bench:graph: one ONNX file in onnxruntime-node, in this process. Started by lib/peer.mjs: node onnx.mjs <file> <inputs as JSON> <threads>.
import * as ort from 'onnxruntime-node';
import { serve } from '../lib/serve.mjs';

const [, , file, inputs, threads] = process.argv;
const session = await ort.InferenceSession.create(file, { intraOpNumThreads: Number(threads), extra: { session: { intra_op: { allow_spinning: '0' } } } });
let state = 1;
const draw = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
const feeds = Object.fromEntries(JSON.parse(inputs).map(({ dtype, shape }, i) => {
  const count = shape.reduce((a, b) => a * b, 1);
  const [name, type] = [session.inputNames[i], session.inputMetadata[i]?.type];
  const data = dtype === 'int32' ? Int32Array.from({ length: count }, () => Math.floor(draw() * 10)) : Float32Array.from({ length: count }, () => draw() * 2 - 1);
  return [name, type === 'float32' && dtype === 'int32' ? new ort.Tensor('float32', Float32Array.from(data), shape) : new ort.Tensor(dtype, data, shape)];
}));
await serve(() => session.run(feeds), { onnxruntime: ort.env?.versions?.node ?? 'unknown' }, { warmup: 3 });
await session.release();
