// Exports large models, each in a separate process: node bench/scale.mjs [--nodes 40000] [--megabytes 500] [--verify].
// Prints time and peak memory, and saves bench/results/scale.json. Run `npm run build` first.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: o } = parseArgs({
  options: {
    nodes: { type: 'string', default: '40000' },
    megabytes: { type: 'string', default: '500' },
    run: { type: 'string' },
    verify: { type: 'boolean', default: false },
  },
});

/** A tfjs graph model of `count` nodes: products, biases, activations and residual sums over a few shared weights. */
function graphModel(count) {
  const width = 16;
  const shape = (...dims) => ({ dim: dims.map((size) => ({ size: String(size) })) });
  const T = { type: 'DT_FLOAT' };
  const specs = [];
  const node = [{ name: 'x', op: 'Placeholder', attr: { dtype: T, shape: { shape: shape(-1, width) } } }];
  for (let i = 0; i < 8; i++) {
    node.push({
      name: `w${i}`,
      op: 'Const',
      attr: { dtype: T, value: { tensor: { dtype: 'DT_FLOAT', tensorShape: shape(width, width) } } },
    });
    node.push({
      name: `b${i}`,
      op: 'Const',
      attr: { dtype: T, value: { tensor: { dtype: 'DT_FLOAT', tensorShape: shape(width) } } },
    });
    specs.push(
      { name: `w${i}`, shape: [width, width], dtype: 'float32' },
      { name: `b${i}`, shape: [width], dtype: 'float32' },
    );
  }
  let last = 'x';
  for (let i = 0; node.length + 4 < count; i++) {
    node.push({
      name: `mm${i}`,
      op: 'MatMul',
      input: [last, `w${i % 8}`],
      attr: { T, transpose_a: { b: false }, transpose_b: { b: false } },
    });
    node.push({ name: `bias${i}`, op: 'BiasAdd', input: [`mm${i}`, `b${i % 8}`], attr: { T } });
    node.push({ name: `act${i}`, op: i % 2 ? 'Tanh' : 'Sigmoid', input: [`bias${i}`], attr: { T } });
    node.push({ name: `sum${i}`, op: 'AddV2', input: [`act${i}`, last], attr: { T } });
    last = `sum${i}`;
  }
  node.push({ name: 'out', op: 'Tanh', input: [last], attr: { T } });
  const weights = new Float32Array(specs.reduce((sum, { shape: s }) => sum + s.reduce((a, b) => a * b, 1), 0));
  for (let i = 0; i < weights.length; i++) weights[i] = Math.sin(i) / 20;
  return {
    modelTopology: { node, versions: { producer: 1 } },
    weightSpecs: specs,
    weightData: weights.buffer,
    format: 'graph-model',
  };
}

/** Dense layers of 25 MB each. */
function heavyModel(tf, megabytes) {
  const width = 2500;
  const model = tf.sequential({
    layers: Array.from({ length: Math.round((megabytes * 1e6) / (4 * width * width)) }, (_, i) =>
      tf.layers.dense({
        units: width,
        useBias: false,
        kernelInitializer: 'zeros',
        ...(i === 0 ? { inputShape: [width] } : {}),
      }),
    ),
  });
  for (const [i, variable] of model.weights.entries()) {
    const values = new Float32Array(width * width);
    for (let k = 0; k < values.length; k++) values[k] = ((k * 2654435761 + i) % 65536) / 1e6;
    const tensor = tf.tensor2d(values, [width, width]);
    variable.write(tensor);
    tensor.dispose();
  }
  return model;
}

async function run(what) {
  const tf = await import('@tensorflow/tfjs');
  const { exportOnnx } = await import('@forja/trainer/node');
  await tf.setBackend('cpu');
  const model =
    what === 'nodes'
      ? await tf.loadGraphModel(tf.io.fromMemory(graphModel(Number(o.nodes))))
      : heavyModel(tf, Number(o.megabytes));
  const weights =
    what === 'nodes' ? 0 : model.weights.reduce((sum, w) => sum + 4 * w.shape.reduce((a, b) => a * b, 1), 0);
  global.gc?.();
  const before = process.memoryUsage().rss;
  const made = process.resourceUsage().maxRSS * 1024; // memory for making the model
  let most = 0;
  const onProgress = ({ stage }) => {
    most = Math.max(most, process.memoryUsage().rss);
    if (process.env.FORJA_SCALE_TRACE)
      console.error(
        stage,
        Math.round(process.memoryUsage().rss / 1e6),
        Math.round(process.memoryUsage().arrayBuffers / 1e6),
      );
  };
  const started = performance.now();
  const { report } = await exportOnnx(model, {
    onProgress,
    verify: o.verify ? { seeds: 1, sizes: [{ batch: 2 }] } : false,
  });
  const seconds = (performance.now() - started) / 1000;
  const peak = process.resourceUsage().maxRSS * 1024;
  console.log(
    JSON.stringify({
      what,
      verified: report.verified,
      seconds: Number(seconds.toFixed(1)),
      nodes: report.nodes,
      bytes: report.bytes,
      before,
      made,
      peak,
      ...(weights === 0 ? {} : { weights, bound: 2.3 * weights + 4e8, times: Number((peak / weights).toFixed(2)) }),
    }),
  );
}

if (o.run) await run(o.run);
else {
  const results = [];
  for (const what of ['nodes', 'megabytes']) {
    const args = [what, ...(o.verify ? ['--verify'] : [])];
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [fileURLToPath(import.meta.url), '--run', ...args, '--nodes', o.nodes, '--megabytes', o.megabytes],
      { encoding: 'utf8', maxBuffer: 1e8 },
    );
    if (status !== 0) throw new Error(stderr);
    results.push(JSON.parse(stdout.trim().split('\n').at(-1)));
    console.log(results.at(-1));
  }
  const { save, machine } = await import('./lib/report.mjs');
  save('scale', { machine: machine(), results });
}
