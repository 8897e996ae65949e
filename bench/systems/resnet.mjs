// Residual networks beside DCGAN and WGAN-GP, with about as much CPU time each: Fréchet distance, the norm of the
// critic's gradient between real and generated pictures, and the largest singular values of its layers.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { trainer } from '../peers/forja.mjs';
import { evaluated, over, sampled, seedsFrom } from './evaluated.mjs';
import { mean, sheet, trained } from './shared.mjs';

const SYSTEMS = { 'residual, spectral norms': 'resnet', DCGAN: 'dcgan', 'WGAN-GP': 'wgan-gp' };
const COMMON = { data: 'fashion', base: 32, batch: 64, sampleEvery: 0, checkpointEvery: 200 };
/** Pictures whose gradients are measured, and rounds of the power iteration. */
const [MEASURED, ROUNDS] = [32, 300];

export default async function resnet({ runs, from, seed, steps = 1000, more }) {
  const { seeds = 3, count = 5000, ...options } = more;
  const costs = {};
  const rows = [];
  const pictures = [];
  for (const [name, system] of Object.entries(SYSTEMS)) {
    const found = [];
    const taken = [];
    for (const one of seedsFrom(seed, seeds)) {
      const folder = join(runs, `resnet-${system}-${one}`);
      const config = { ...COMMON, ...options, system, seed: one };
      const begun = join(folder, 'config.json');
      if (!existsSync(begun)) costs[system] ??= await costOf(config, from);
      if (!existsSync(begun) && system !== 'resnet')
        costs.resnet ??= await costOf({ ...config, system: 'resnet' }, from);
      const own = existsSync(begun)
        ? JSON.parse(readFileSync(begun, 'utf8')).steps
        : Math.max(1, Math.round((steps * costs.resnet) / costs[system]));
      const { out } = await trained({ ...config, steps: system === 'resnet' ? steps : own }, folder, from);
      const { scores } = await evaluated(out, { metrics: 'frechet,kid,pr', count }, from);
      found.push({ ...scores, ...(await criticOf({ ...config, start: resolve(out) }, from)) });
      taken.push(system === 'resnet' ? steps : own);
      if (one === seed) pictures.push(await sampled(join(out, 'generator.onnx'), { count: 12, seed: 7 }));
    }
    rows.push({
      '': name,
      steps: taken.join(', '),
      'Fréchet distance': over(found, 'frechet'),
      KID: over(found, 'kid'),
      precision: over(found, 'precision'),
      recall: over(found, 'recall'),
      'gradient norm, mean': over(found, 'gradient'),
      'its deviation over pictures': over(found, 'deviation'),
      'largest singular value of a layer': over(found, 'largest'),
      'smallest of the largest': over(found, 'smallest'),
    });
  }
  return {
    steps,
    seeds,
    rows,
    notes: [
      `Fashion-MNIST, ${seeds} seeds, batches of ${COMMON.batch}; the others take as many steps as cost the CPU ` +
        'time of ' +
        `${steps} of the residual networks. Gradients of the critic at ${MEASURED} pictures between a real and a ` +
        'generated one, as WGAN-GP penalises; singular values of its layers as they are applied, after spectral ' +
        `normalisation where there is one. ${count} pictures on each side.`,
    ],
    picture: await sheet(pictures),
    legend: `A row each: ${Object.keys(SYSTEMS).join(', ')}.`,
  };
}

/** CPU seconds per step, from 25 steps without the first 5. */
async function costOf(config, cwd) {
  const { train } = await trainer();
  const out = mkdtempSync(join(tmpdir(), 'forja-resnet-'));
  const cpu = () => Object.values(process.cpuUsage()).reduce((a, b) => a + b) / 1e6;
  let [first, last] = [0, 0];
  const onEvent = (event) => {
    if (event.type === 'step' && event.step === 5) first = cpu();
    if (event.type === 'step' && event.step === 25) last = cpu();
  };
  await train({ ...config, out, steps: 25, checkpointEvery: 0 }, { cwd, onEvent });
  rmSync(out, { recursive: true, force: true });
  return (last - first) / 20;
}

/** Norms of the critic's gradient and its layers' singular values, from the state of a finished run (`start`). */
async function criticOf(config, cwd) {
  const tf = await import('@tensorflow/tfjs');
  const { loadData, readFields, train } = await trainer();
  const dataset = await loadData({ data: config.data }, cwd);
  const shape = dataset.fields.image.shape;
  const indices = Array.from({ length: MEASURED }, (_, i) => i);
  const { image } = await readFields(dataset, indices, ['image']);
  const out = mkdtempSync(join(tmpdir(), 'forja-critic-'));
  let found;
  const onReady = ({ system: { networks } }) => {
    found = tf.tidy(() => {
      const { g, d } = networks;
      const z = tf.randomNormal([MEASURED, g.inputs[0].shape[1]], 0, 1, 'float32', 11);
      const mixed = tf.randomUniform([MEASURED, 1, 1, 1], 0, 1, 'float32', 12);
      const real = tf.tensor(image, [MEASURED, ...shape]);
      const between = tf.add(tf.mul(real, mixed), tf.mul(g.apply(z, { training: false }), tf.sub(1, mixed)));
      const slope = tf.grad((x) => tf.sum(d.apply(x, { training: false })))(between);
      const norms = [...tf.norm(tf.reshape(slope, [MEASURED, -1]), 2, 1).dataSync()];
      const gradient = mean(norms);
      const deviation = Math.sqrt(mean(norms.map((v) => (v - gradient) ** 2)));
      const largest = d.weights.flatMap((weight) => {
        if (!weight.originalName.endsWith('/kernel')) return [];
        const u = d.weights.find(({ originalName }) => originalName === weight.originalName.replace(/kernel$/, 'u'));
        return sigma(weight.read()) / (u === undefined ? 1 : estimated(tf, weight.read(), u.read()));
      });
      return { gradient, deviation, largest: Math.max(...largest), smallest: Math.min(...largest) };
    });
  };
  // with `tfjs` the loaded state is in the variables; the run stops before its first step
  const run = { ...config, engine: 'tfjs', steps: 1, out };
  await train(run, { cwd, dataset, onReady, signal: AbortSignal.abort() });
  rmSync(out, { recursive: true, force: true });
  return found;
}

/** The largest singular value of a kernel as a matrix [rest, out], by power iteration in float64. */
function sigma(kernel) {
  const columns = kernel.shape.at(-1);
  const values = Float64Array.from(kernel.dataSync());
  const rows = values.length / columns;
  let right = Float64Array.from({ length: columns }, (_, i) => 1 + Math.sin(i));
  let norm = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const left = new Float64Array(rows);
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) left[r] += values[r * columns + c] * right[c];
    const next = new Float64Array(columns);
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) next[c] += values[r * columns + c] * left[r];
    norm = Math.hypot(...next);
    right = next.map((v) => v / norm);
  }
  return Math.sqrt(norm);
}

/** What the layer divides by: its estimate from the saved vector u. */
function estimated(tf, kernel, u) {
  const matrix = tf.reshape(kernel, [-1, kernel.shape.at(-1)]);
  const left = tf.matMul(matrix, tf.reshape(u, [-1, 1]));
  const right = tf.matMul(matrix, tf.div(left, tf.norm(left)), true);
  return tf.norm(right).dataSync()[0];
}
