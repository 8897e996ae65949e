// The step vectors (tests/vectors) as systems of ours: built, warmed up to the vectors' state, and compared after a
// step.
import { dcgan, mlpGan, type GanSystem } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { readStep, type StepVectors, type Vector } from '../../vectors/read.mjs';

export const CASES = ['dcgan28', 'pool-avg', 'pool-max', 'mlp'] as const;
export type Case = (typeof CASES)[number];

/** The system of one case, with the vectors' weights, moments and statistics. */
export function systemOf(name: Case): { system: GanSystem; vectors: StepVectors } {
  const vectors = readStep(name);
  const { config, optimizer } = vectors;
  const number = (key: string): number => Number(config[key]);
  const batch = number('batch');
  const pool = config['pool'];
  const system =
    config['system'] === 'mlp'
      ? mlpGan({
          size: number('size'),
          latent: number('latent'),
          base: number('hidden'),
          baseD: number('hidden'),
          batch,
        })
      : dcgan({
          size: number('size'),
          channels: number('channels'),
          base: number('base'),
          latent: number('latent'),
          batch,
          ...(pool === 'avg' || pool === 'max' ? { pool } : {}),
        });
  const initial = new Map<string, Vector>();
  for (const [variable, v] of Object.entries(vectors.variables)) {
    for (const [suffix, value] of [
      ['', v.initial],
      ['/m', v.m0],
      ['/v', v.v0],
    ] as const)
      initial.set(`${variable}${suffix}`, value);
    if (variable.startsWith('g/')) initial.set(`average/${variable}`, v.initial);
  }
  for (const [variable, v] of Object.entries(vectors.moving)) initial.set(variable, v.initial);
  for (const side of ['g', 'd'])
    initial.set(`adam_${side}/step`, { shape: [], data: Float32Array.of(optimizer.stepsDone) });
  for (const variable of system.variables) {
    const value = initial.get(variable.name);
    if (value !== undefined) tf.tidy(() => variable.assign(tf.tensor(value.data, value.shape)));
    initial.delete(variable.name);
  }
  expect([...initial.keys()], 'variables of the vectors that the system does not have').toEqual([]);
  return { system, vectors };
}

/** The step's feeds. */
export function feedsOf({ inputs, optimizer }: StepVectors): Record<'real' | 'z' | 'rate_g' | 'rate_d', Vector> {
  const scalar = (value: number): Vector => ({ shape: [], data: Float32Array.of(value) });
  return { real: inputs.real, z: inputs.z, rate_g: scalar(optimizer.rateG), rate_d: scalar(optimizer.rateD) };
}

/** Fails when losses, weights, moments or statistics are not PyTorch's. `state` gives a variable's values. */
export function expectVectors(
  vectors: StepVectors,
  lossD: number,
  lossG: number,
  state: (name: string) => ArrayLike<number> & Iterable<number>,
): void {
  expect([lossD, lossG]).toBeAllclose([vectors.losses.d, vectors.losses.g], { rtol: 1e-5 });
  const scale = (v: Vector): number => v.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  for (const [name, v] of Object.entries(vectors.variables)) {
    // a change in units of the largest change: rates of 1e-3 would hide everything in the weights' own size
    const change = (values: ArrayLike<number>): number[] => Array.from(v.initial.data, (x, i) => Number(values[i]) - x);
    const wanted = change(v.updated.data);
    expect(change(state(name)), `${name}, change`).toBeAllclose(wanted, {
      atol: 1e-3 * Math.max(...wanted.map(Math.abs)),
    });
    expect(state(name), name).toBeAllclose(v.updated.data, { rtol: 1e-5, atol: 1e-6 });
    expect(state(`${name}/m`), `${name}/m`).toBeAllclose(v.m.data, { rtol: 1e-4, atol: 1e-5 * scale(v.m) });
    expect(state(`${name}/v`), `${name}/v`).toBeAllclose(v.v.data, { rtol: 1e-4, atol: 1e-5 * scale(v.v) });
  }
  for (const [name, v] of Object.entries(vectors.moving))
    expect(state(name), name).toBeAllclose(v.updated.data, { rtol: 1e-5, atol: 1e-6 });
}
