// Systems of several phases: run compiled over one state or eagerly, from vectors of PyTorch
// (tests/vectors/game-*.json) or for many iterations.
import { tensor, type NamedTensors, type Runtime } from '@forja/core';
import { compileAll, eagerStep, scalarOf, type CompiledStep, type GanSystem, type Phase } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import type { GameVectors } from '../../vectors/read.mjs';

/** How a system is run. */
export type Way = { runtime: Runtime; lowering?: 'portable' | 'fast' } | 'eager';

/** A system's phases, ready to run; state is that of the first. */
export interface Running {
  steps: Record<string, CompiledStep>;
  state(): Promise<Record<string, Float32Array>>;
  dispose(): Promise<void>;
}

/** All inputs are fed. */
const definition = ({ step, inputs, name }: Phase, { variables }: GanSystem) => ({
  step,
  name,
  variables,
  inputs: Object.fromEntries(
    Object.entries(inputs).map(([key, { shape, dtype = 'float32' as const }]) => [key, { dtype, shape: [...shape] }]),
  ),
});

/** The phases of `system`, compiled together or eager; their own draws are of `seed`. */
export async function running(system: GanSystem, seed: number, way: Way): Promise<Running> {
  const definitions = Object.fromEntries(system.phases.map((phase) => [phase.name, definition(phase, system)]));
  const steps: Record<string, CompiledStep> =
    way === 'eager'
      ? Object.fromEntries(
          Object.entries(definitions).map(([name, { step, ...rest }]) => [name, eagerStep(step, { ...rest, seed })]),
        )
      : await compileAll(definitions, { seed, ...way });
  const [first] = Object.values(steps);
  return {
    steps,
    state: async () => {
      const state = (await first?.state(system.variables.map(({ name }) => name))) ?? {};
      // all state is float32
      return Object.fromEntries(Object.entries(state).map(([name, { data }]) => [name, data as Float32Array]));
    },
    dispose: async () => {
      for (const step of Object.values(steps)) await step.dispose();
    },
  };
}

/** Sets a system's variables to the vectors' state. Averages are the only ones that vectors do not have. */
export function fill(system: GanSystem, { state }: GameVectors): void {
  const left = new Set(Object.keys(state));
  for (const variable of system.variables) {
    const given = state[variable.name]?.initial;
    if (given === undefined) expect(variable.name).toMatch(/^average/);
    else tf.tidy(() => variable.assign(tf.tensor(given.data, given.shape)));
    left.delete(variable.name);
  }
  expect([...left], 'state of the vectors that the system does not have').toEqual([]);
}

/** What follows a schedule, at an iteration. */
const rates = (system: GanSystem, phase: Phase, iteration = 0): NamedTensors =>
  Object.fromEntries(
    Object.entries(phase.inputs).flatMap(([name, { from }]) =>
      'schedule' in from
        ? [[name, tensor('float32', [], Float32Array.of(system.schedules[from.schedule]?.(iteration) ?? NaN))]]
        : [],
    ),
  );

/**
 * Runs what the vectors were fed, from the state that {@link fill} set, and compares scalars and all state with theirs:
 * changes in units of the largest change, as rates of 1e-3 would hide everything in the weights' own size.
 */
export async function expectGame(system: GanSystem, vectors: GameVectors, way: Way): Promise<void> {
  const { steps, state, dispose } = await running(system, vectors.seed, way);
  const scalars: Record<string, number[]> = {};
  const last = vectors.feeds.at(-1)?.phase;
  const iterations = vectors.feeds.filter(({ phase }) => phase === last).length;
  for (const { phase: name, inputs } of vectors.feeds) {
    const phase = system.phases.find((one) => one.name === name);
    const step = steps[name];
    if (phase === undefined || step === undefined) throw new Error(`no phase '${name}'`);
    const results = await step.run({ ...rates(system, phase), ...(inputs as NamedTensors) }); // with dtype where needed
    for (const key of Object.keys(results)) (scalars[key] ??= []).push(scalarOf(results, key));
  }
  for (const [key, wanted] of Object.entries(vectors.scalars)) {
    const got = scalars[key] ?? [];
    const runs = got.slice(got.length - got.length / iterations); // those of the last iteration
    expect([runs.reduce((a, b) => a + b, 0) / runs.length], key).toBeAllclose([wanted], { rtol: 1e-5, atol: 1e-6 });
  }
  const after = await state();
  await dispose();
  for (const [name, { initial, updated }] of Object.entries(vectors.state)) {
    const got = after[name];
    if (got === undefined) throw new Error(`no state '${name}'`);
    const change = (values: ArrayLike<number>): number[] => Array.from(initial.data, (x, i) => Number(values[i]) - x);
    const wanted = change(updated.data);
    expect(change(got), `${name}, change`).toBeAllclose(wanted, {
      atol: 1e-3 * Math.max(...wanted.map(Math.abs), 1e-12),
    });
    expect(got, name).toBeAllclose(updated.data, toleranceOf(name, updated.data));
  }
}

/**
 * Moments, so gradients, to 1e-4 of their largest: whole iterations in float32. Pictures as what a network made, in
 * [-1, 1]. Weights and the rest.
 */
function toleranceOf(name: string, values: Float32Array): { rtol?: number; atol: number } {
  const scale = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  if (/\/[mv]$/.test(name)) return { atol: 1e-4 * scale };
  if (name.endsWith('/pictures')) return { atol: 1e-5 };
  return { rtol: 1e-5, atol: 1e-6 };
}

/** Feeds without our random generator: in [-1, 1), or in [0, 1) or integers by source. */
function numbers({ from, dtype }: Phase['inputs'][string], count: number, at: number): Float32Array | Int32Array {
  const unit = (i: number): number => ((i + 1) * 0.754877666 + at * 0.569840291) % 1;
  const labels = dtype === 'int32' ? { from: 0, below: 2 } : undefined;
  const whole = 'random' in from && from.random === 'int' ? from : labels;
  if (whole !== undefined)
    return Int32Array.from({ length: count }, (_, i) => whole.from + Math.floor(unit(i) * (whole.below - whole.from)));
  if ('random' in from && from.random === 'bernoulli')
    return Float32Array.from({ length: count }, (_, i) => Math.round(unit(i)));
  return Float32Array.from({ length: count }, (_, i) => 2 * unit(i) - 1);
}

/** What came of some iterations: every scalar, and the state at the end. */
export interface Outcome {
  scalars: Record<string, number[]>;
  state: Record<string, Float32Array>;
}

/** Runs `iterations` of a system. `early`: the outcome after as many of them. */
export async function iterate(
  system: GanSystem,
  iterations: number,
  way: Way,
  early = iterations,
): Promise<Outcome & { early: Outcome }> {
  const { steps, state, dispose } = await running(system, 3, way);
  const scalars: Record<string, number[]> = {};
  let first: Outcome | undefined;
  for (let i = 0; i < iterations; i++) {
    for (const phase of system.phases)
      for (let repeat = 0; repeat < (i % (phase.every ?? 1) === 0 ? (phase.repeat ?? 1) : 0); repeat++) {
        const step = steps[phase.name];
        if (step === undefined) throw new Error(phase.name);
        const fed = Object.entries(phase.inputs).flatMap(([name, spec], k) => {
          if ('schedule' in spec.from) return [];
          const data = numbers(
            spec,
            spec.shape.reduce((a, b) => a * b, 1),
            31 * i + 7 * repeat + k,
          );
          return [[name, tensor(spec.dtype ?? 'float32', spec.shape, data)]];
        });
        const results = await step.run({ ...rates(system, phase, i), ...(Object.fromEntries(fed) as NamedTensors) });
        for (const key of Object.keys(results)) (scalars[key] ??= []).push(scalarOf(results, key));
      }
    if (i + 1 === early) first = { scalars: structuredClone(scalars), state: await state() };
  }
  const last = { scalars, state: await state() };
  await dispose();
  return { ...last, early: first ?? last };
}

/**
 * Fails unless three iterations compiled are those of tfjs, and 50 stay finite. Returns what came of the 50; the
 * system's own variables are moved.
 */
export async function expectPlayable(system: GanSystem, runtime: Runtime): Promise<Outcome> {
  const { early, ...outcome } = await iterate(system, 50, { runtime }, 3);
  expect(notFinite(outcome)).toEqual([]);
  expectSame(early, await iterate(system, 3, 'eager'));
  return outcome;
}

/** Fails unless three iterations compiled are those of tfjs. */
export async function expectLikeEager(system: GanSystem, runtime: Runtime): Promise<void> {
  const compiled = await iterate(system, 3, { runtime });
  expect(notFinite(compiled)).toEqual([]);
  expectSame(compiled, await iterate(system, 3, 'eager'));
}

/** Tensors below this magnitude are rounding errors of terms of size 1 that cancel. */
const SMALLEST = 1e-3;

/** Fails where two outcomes of {@link iterate} differ by more than 1e-4 of a tensor's largest magnitude. */
function expectSame(a: Outcome, b: Outcome): void {
  const both: [string, ArrayLike<number>, ArrayLike<number>][] = [
    ...Object.keys({ ...a.scalars, ...b.scalars }).map((key): [string, number[], number[]] => [
      key,
      a.scalars[key] ?? [],
      b.scalars[key] ?? [],
    ]),
    ...Object.keys({ ...a.state, ...b.state }).map((key): [string, Float32Array, Float32Array] => [
      key,
      a.state[key] ?? new Float32Array(),
      b.state[key] ?? new Float32Array(),
    ]),
  ];
  const off = both.map(([key, x, y]): [string, number] => {
    if (x.length !== y.length) return [key, NaN];
    const most = Array.from(y).reduce((m, v) => Math.max(m, Math.abs(v)), SMALLEST);
    return [key, Array.from(x).reduce((m, v, i) => Math.max(m, Math.abs(v - (y[i] ?? NaN)) / most), 0)];
  });
  expect(off.filter(([, difference]) => !(difference <= 1e-4))).toEqual([]);
}

/** Names of what is not finite. */
function notFinite({ scalars, state }: Outcome): string[] {
  return Object.entries({ ...scalars, ...state }).flatMap(([name, values]) =>
    Array.from(values).every(Number.isFinite) ? [] : [name],
  );
}
