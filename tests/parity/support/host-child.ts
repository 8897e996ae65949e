// A program that exports a tfjs function, verifies the file, and prints which of its environment it changed.
import { exportOnnx, verifyOnnx } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';

const before = { ...process.env };
await tf.setBackend('cpu');
const fn = (x: tf.Tensor): tf.Tensor => tf.relu(tf.matMul(x, tf.ones([2, 3])));
const inputs = [{ name: 'x', shape: ['batch', 2] }];
const { model, report } = await exportOnnx(fn, { inputs });
await verifyOnnx(model, fn, { inputs });
const changed = Object.keys(process.env).filter((name) => before[name] !== process.env[name]);
console.log(JSON.stringify({ verified: report.verified, changed }));
