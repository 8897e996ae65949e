// Bundled into one file with Forja, but not with tfjs: exports functions, and prints the result of each as a line of
// JSON.
import { exportOnnx } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';

await tf.setBackend('cpu');
const functions: Record<string, (v: tf.Tensor) => tf.Tensor> = {
  branch: (v) => ((v.shape[1] ?? 0) > 512 ? tf.relu(v) : tf.tanh(v)),
  chance: (v) => (Math.random() > 2 ? tf.relu(v) : tf.tanh(v)),
  straight: (v) => tf.relu(tf.image.resizeBilinear(v as tf.Tensor4D, [8, 8]).mean([1, 2])),
};
for (const [name, fn] of Object.entries(functions)) {
  const result = await exportOnnx(fn, {
    inputs: [{ name: 'x', shape: ['batch', 'height', 'width', 3] }],
    verify: false,
  })
    .then(({ report }) => ({ proven: report.proven }))
    .catch((error: unknown) => ({ message: (error as Error).message }));
  console.log(JSON.stringify({ name, ...result }));
}
