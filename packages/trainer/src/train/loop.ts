// The training loop, top to bottom. Everything it uses is given: engine, batches, rates, store, clock.
import { ForjaError, toBatch, type AbortSignalLike, type Image } from '@forja/core';
import type { GanSystem } from '../systems/system.js';
import { encodeCheckpoint, firstBad, type Checkpoint } from '../records/checkpoint.js';
import type { Clock } from './clock.js';
import type { ResolvedConfig } from './config.js';
import type { Engine, StepInputs } from './engine.js';
import type { TrainEvent } from './events.js';
import { scatter } from './scatter.js';
import type { RunStore } from '../records/store.js';

/** A run that is ready to go. */
export interface Run {
  config: ResolvedConfig;
  system: GanSystem;
  engine: Engine;
  /** Real examples of a step. */
  batches: (step: number) => Promise<Float32Array>;
  rates: (step: number) => { g: number; d: number };
  /** Latents of the sample grids, [sampleCount, latent]. */
  fixed: Float32Array;
  /** All that a checkpoint says beside step, seconds and state. */
  identity: Omit<Checkpoint, 'step' | 'seconds' | 'state'>;
  store: RunStore;
  clock: Clock;
  emit: (event: TrainEvent) => void | Promise<void>;
  signal: AbortSignalLike | undefined;
  /** Most steps of one call of the engine. */
  stepsPerRun: number;
}

/**
 * Trains until `config.steps` are done or the signal is aborted, which is looked at between runs of steps. Saves at the
 * end in either case.
 */
export async function loop(run: Run): Promise<'finished' | 'interrupted'> {
  const { config, engine, batches, rates, store, clock, emit, signal } = run;
  let saved = engine.step === 0 ? -1 : engine.step;
  if (engine.step === 0 && config.sampleEvery > 0) await sample(run);

  while (engine.step < config.steps && !signal?.aborted) {
    const first = engine.step;
    const inputs: StepInputs[] = [];
    for (let step = first; step < first + together(run); step++)
      inputs.push({ real: await batches(step), rates: rates(step) });
    const losses = await engine.run(inputs);
    const speed = clock.step(losses.length);

    for (const [i, { loss_d, loss_g }] of losses.entries()) {
      const step = first + i + 1;
      if (!Number.isFinite(loss_d) || !Number.isFinite(loss_g)) await stop(run, step, { loss_d, loss_g }, saved);
      const rate = inputs[i]?.rates ?? { g: 0, d: 0 }; // as many as losses
      const line = {
        step,
        loss_d,
        loss_g,
        rate_g: rate.g,
        rate_d: rate.d,
        images_per_s: speed,
        seconds: clock.seconds(),
      };
      if (step % config.logEvery === 0) await store.log(line);
      await emit({ type: 'step', ...line, steps: config.steps, left: ((config.steps - step) * config.batch) / speed });
    }

    const step = engine.step;
    if (config.sampleEvery > 0 && step % config.sampleEvery === 0) await sample(run);
    if (config.checkpointEvery > 0 && step % config.checkpointEvery === 0) saved = await save(run, saved);
  }

  if (saved !== engine.step) await save(run, saved);
  return engine.step >= config.steps ? 'finished' : 'interrupted';
}

/** Steps of the next run: none passes the next grid, checkpoint or end. */
function together({ config, engine, stepsPerRun }: Run): number {
  const left = [config.sampleEvery, config.checkpointEvery]
    .filter((every) => every > 0)
    .map((every) => every - (engine.step % every));
  return Math.min(stepsPerRun, config.steps - engine.step, ...left);
}

/** Writes a grid of the averaged generator's pictures of the fixed latents. */
async function sample({ system, engine, fixed, config, store, emit }: Run): Promise<void> {
  const values = await engine.generate(fixed);
  await store.sample(engine.step, pictureOf(system, values, config.sampleCount));
  await emit({ type: 'sample', step: engine.step });
}

/** Writes a checkpoint, unless the state is bad: then the last good one stays, and the run stops. Returns its step. */
async function save(run: Run, saved: number): Promise<number> {
  const { engine, identity, store, clock, emit } = run;
  const state = await engine.state();
  if (firstBad(state)) await stop(run, engine.step, {}, saved);
  const { step } = engine;
  const bytes = await encodeCheckpoint({ ...identity, step, seconds: clock.seconds(), state });
  await store.checkpoint(step, bytes);
  await emit({ type: 'checkpoint', step, bytes: bytes.length });
  return step;
}

/** Ends the run with what went wrong: the loss, and the first tensor of the state that is not finite. */
async function stop(
  { engine, store }: Run,
  step: number,
  losses: Record<string, number>,
  saved: number,
): Promise<never> {
  const bad = firstBad(await engine.state());
  const found = [
    ...Object.entries(losses).filter(([, v]) => !Number.isFinite(v)),
    ...(bad ? [[`first bad tensor '${bad.name}'`, bad.value] as const] : []),
  ];
  const kept =
    saved > 0
      ? `the checkpoint of step ${saved} in ${store.where} is the last good one; resume from it with`
      : 'no checkpoint had been written yet; start again with';
  throw new ForjaError(
    'train.nan',
    `train, step ${step}: expected finite numbers, got ${found.map(([name, v]) => `${name} = ${v}`).join(', ')}; ${kept} lower rates, or another loss`,
  );
}

/** What the system makes, as one picture: a grid, or points in the plane. */
export function pictureOf(system: GanSystem, values: Float32Array, count: number): Image {
  const { image } = system.sample;
  if (image === undefined) return scatter(values);
  return toBatch(
    { dtype: 'float32', shape: [count, image.size, image.size, image.channels], data: values },
    { layout: 'nhwc', range: image.range },
  ).grid();
}
