// A process with TensorFlow's native library: `tfjs-node-child.mjs step <given> <made>` runs the scenario eagerly from
// a state; `… train <config JSON>` trains; `… export` exports. Prints one JSON line: { reason } when tfjs-node cannot
// be used, else what came out.
import { readFileSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { eagerStep, phaseStep, type TrainConfig } from '@forja/trainer';
import { exportOnnx, train, useTfjsNode } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';
import { SEED, STEPS, WARM, small, steps, type Given } from './tfjs-node-scenario.js';

tf.enableProdMode(); // suppresses tfjs's advice to install a native backend, as our commands do
const [mode = '', first = '', second = ''] = process.argv.slice(2);
const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

const MODES: Record<string, () => Promise<void>> = {
  probe: async () => print({ reason: (await useTfjsNode()) ?? null, backend: tf.getBackend() }),
  step: async () => {
    await useTfjsNode();
    const { state } = deserialize(readFileSync(first)) as Given; // the parent wrote it
    const system = small();
    const step = eagerStep(phaseStep(system).step, {
      inputs: phaseStep(system).inputs,
      variables: system.variables,
      seed: SEED,
    });
    await step.load(state);
    step.step = WARM;
    const outcome = await steps(step, system, STEPS);
    const tensors = tf.memory().numTensors;
    await steps(step, system, 1);
    writeFileSync(second, serialize(outcome));
    print({ backend: tf.getBackend(), leaked: tf.memory().numTensors - tensors });
  },
  export: async () => {
    await useTfjsNode();
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ inputShape: [null, null, 2], filters: 3, kernelSize: 3, strides: 2, padding: 'same' }),
        tf.layers.leakyReLU(),
        tf.layers.globalAveragePooling2d({}),
      ],
    });
    const { report } = await exportOnnx(model, { verify: { seeds: 1 } });
    print({ verified: report.verified, tfjs: report.reference?.tfjs, backend: tf.getBackend() });
  },
  train: async () => {
    const told: { warnings: string[]; device?: string } = { warnings: [] };
    const { reason, step } = await train(JSON.parse(first) as TrainConfig, {
      onEvent: (event) => {
        if (event.type === 'warning') told.warnings.push(event.message);
        if (event.type === 'start') told.device = event.device;
      },
    });
    print({ ...told, reason, step });
  },
};
await MODES[mode]?.();
