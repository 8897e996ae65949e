// Whether verification detects faults: exports many models with injected faults. Faults that an independent run shows
// to matter must be detected, and files without faults accepted.
import { ExportError, type NamedTensors, type Runtime, type Session, type TypedArray } from '@forja/core';
import { decodeModel, encodeModel } from '@forja/core/onnx';
import { exportOnnx, verifyOnnx } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { faulty, type Fault } from './faults.js';
import { network, NETWORKS } from './networks.js';
import { dice, eagerly, randomModel, type Dice } from './random-models.js';

/** The counts. */
export interface Tally {
  clean: number;
  /** Clean files that verification flagged. */
  alarms: string[];
  /** Faults whose file differs by more than ten tolerances in an independent run. */
  matter: number;
  /** Those that verification missed. */
  missed: string[];
  /** Faults that runtimes refuse, which verification must pass on as a failure. */
  broken: number;
  /** Faults that make a smaller difference. */
  harmless: number;
  kinds: Record<string, number>;
}

const TOLERANCE = 1e-4;
const SEEDS = Array.from({ length: 20 }, (_, i) => 7001 + i);

/** An independent measure: largest difference over the 99.9th percentile of the right values, or 0.01. */
function relativeDifference(a: ArrayLike<number>, right: ArrayLike<number>): number {
  if (a.length !== right.length) return Infinity;
  const sizes = Array.from(right, Math.abs).sort((x, y) => x - y);
  const scale = Math.max(1e-2, sizes[Math.floor(0.999 * sizes.length)] ?? 0);
  return Array.from(right).reduce(
    (max, v, i) =>
      Math.max(
        max,
        Number.isNaN(v) && Number.isNaN(a[i])
          ? 0
          : Number.isNaN(v - (a[i] ?? NaN))
            ? Infinity
            : Math.abs(v - (a[i] ?? NaN)) / scale,
      ),
    0,
  );
}

/** Feeds by seed, of the same kinds that the network is meant for: normal numbers, pictures in [-1, 1], labels. */
function feedsOf(session: Session, sizes: Record<string, number>, seed: number, labels: number): NamedTensors {
  return Object.fromEntries(
    session.inputs.map(({ name = '', dtype, shape }, i) => {
      const full = shape.map((dim) => (typeof dim === 'number' ? dim : (sizes[dim] ?? 1)));
      const at = 31 * seed + i;
      const x =
        dtype === 'int32'
          ? tf.randomUniform(full, 0, labels, 'int32', at)
          : full.length === 4
            ? tf.randomUniform(full, -1, 1, 'float32', at)
            : tf.randomNormal(full, 0, 1, 'float32', at);
      const data = x.dataSync().slice() as Float32Array | Int32Array;
      x.dispose();
      return [name, { dtype: dtype ?? 'float32', shape: full, data }];
    }),
  );
}

/**
 * How far the file with the fault is from the one without, at 20 seeds and 3 sizes of none that verification draws.
 * `broken`: it does not run.
 */
async function effect(
  fault: Fault,
  clean: Session,
  onnx: Runtime,
  sizes: readonly Record<string, number>[],
  labels: number,
): Promise<number | 'broken'> {
  let session: Session | undefined;
  try {
    session = await onnx.createSession(encodeModel(fault.model));
    let worst = 0;
    for (const at of sizes) {
      for (const seed of SEEDS) {
        const [right, wrong] = [
          await clean.run(feedsOf(clean, at, seed, labels)),
          await session.run(feedsOf(clean, at, seed, labels)),
        ];
        for (const [name, { data, shape }] of Object.entries(right)) {
          worst = Math.max(
            worst,
            String(wrong[name]?.shape) === String(shape)
              ? relativeDifference(
                  (wrong[name]?.data ?? []) as TypedArray & ArrayLike<number>,
                  data as TypedArray & ArrayLike<number>,
                )
              : Infinity,
          ); // no 64-bit results
          if (worst > 100 * TOLERANCE) return worst;
        }
      }
    }
    return worst;
  } catch {
    return 'broken';
  } finally {
    await session?.dispose();
  }
}

/**
 * A model by seed: every fourth of them a network of a known kind, the others random chains of layers. Undefined where
 * tfjs cannot run it.
 */
function modelOf(
  seed: number,
  d: Dice,
): { name: string; model: tf.LayersModel; sizes: Record<string, number>[]; labels: number } | undefined {
  if (seed % 4 === 0) {
    const name = d.pick(NETWORKS);
    return {
      name,
      model: network(name),
      sizes: [
        { batch: 1, height: 24, width: 32 },
        { batch: 5, height: 40, width: 8 },
        { batch: 3, height: 16, width: 48 },
      ],
      labels: name === 'conditional' ? 10 : 2,
    };
  }
  const model = randomModel(seed);
  if (model === undefined || eagerly(model, [3]) === undefined) return undefined;
  return { name: `random ${seed}`, model, sizes: [{ batch: 1 }, { batch: 5 }, { batch: 11 }], labels: 2 };
}

async function flags(
  bytes: Uint8Array,
  model: tf.LayersModel,
  onnx: Runtime,
  labels: number,
): Promise<string | undefined> {
  const inputs = model.inputs.map(({ name, shape, dtype }) => ({
    name,
    dtype: dtype === 'int32' ? ('int32' as const) : ('float32' as const),
    shape: shape.map((size, axis) => size ?? (axis === 0 ? 'batch' : axis === 1 ? 'height' : 'width')),
    ...(dtype === 'int32' ? { range: [0, labels - 1] as [number, number] } : {}),
  }));
  try {
    await verifyOnnx(bytes, model, { runtime: onnx, inputs });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Exports the models of seeds `from` to `to`, verifies each as it is, and `faults` times with a fault. */
export async function mutate(from: number, to: number, faults: number, onnx: Runtime): Promise<Tally> {
  const tally: Tally = { clean: 0, alarms: [], matter: 0, missed: [], broken: 0, harmless: 0, kinds: {} };
  for (let seed = from; seed <= to; seed++) {
    const d = dice(seed + 5e6);
    const made = modelOf(seed, d);
    if (made === undefined) continue;
    const { name, model, sizes, labels } = made;
    let bytes: Uint8Array;
    try {
      bytes = (await exportOnnx(model, { verify: false })).model;
    } catch (error) {
      if (error instanceof ExportError && error.code === 'export.unsupported') continue;
      throw error;
    }
    const alarm = await flags(bytes, model, onnx, labels);
    tally.clean++;
    if (alarm !== undefined) tally.alarms.push(`${name}: ${alarm}`);
    const clean = await onnx.createSession(bytes);
    for (let i = 0, tries = 0; i < faults && tries < 20 * faults; tries++) {
      const fault = faulty(decodeModel(bytes), d);
      if (fault === undefined) continue;
      i++;
      const size = await effect(fault, clean, onnx, sizes, labels);
      const where = `${name}: ${fault.kind}, ${fault.what}, effect ${size}`;
      if (size !== 'broken' && size <= 10 * TOLERANCE) {
        tally.harmless++;
        continue;
      }
      const flagged = (await flags(encodeModel(fault.model), model, onnx, labels)) !== undefined;
      if (!flagged) tally.missed.push(where);
      if (size === 'broken') tally.broken++;
      else {
        tally.matter++;
        tally.kinds[fault.kind] = (tally.kinds[fault.kind] ?? 0) + 1;
      }
    }
    await clean.dispose();
    tf.disposeVariables();
  }
  return tally;
}
