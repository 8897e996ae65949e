// The training loop. Everything it uses is passed in: engine, previews, store, clock.
import { ForjaError, UsageError, nearest, type AbortSignalLike, type NamedTensors } from '@forja/core';
import { encodeCheckpoint, firstBad, type Checkpoint } from '../records/checkpoint.js';
import type { Diagnosis, LogLine, RunStore } from '../records/store.js';
import type { GanSystem } from '../systems/system.js';
import type { Clock } from './clock.js';
import type { ResolvedConfig } from './config.js';
import type { Diagnosing } from './diagnosing.js';
import type { Engine, Scalars } from './engine.js';
import type { TrainEvent } from './events.js';
import type { PreviewFeeds } from './feeds.js';
import type { Measuring } from './measuring.js';
import { pictureOf } from './preview.js';
import type { Reporting } from './reporting.js';

/** A run that is ready to start. */
export interface Run {
  config: ResolvedConfig;
  system: GanSystem;
  engine: Engine;
  /**
   * Fixed inputs of the preview grids, by output. File names of the first output's grids contain only the step; those
   * of the others also the output's name.
   */
  previews: ReadonlyMap<string, PreviewFeeds>;
  /** Fields of a checkpoint that do not change during the run. */
  identity: Omit<Checkpoint, 'step' | 'seconds' | 'schedules' | 'rollbacks' | 'state'>;
  store: RunStore;
  clock: Clock;
  /** See TrainHost. */
  peakMemory: (() => number) | undefined;
  /** Measures of the generator, if configured. */
  measuring: Measuring | undefined;
  diagnosing: Diagnosing;
  reporting: Reporting;
  emit: (event: TrainEvent) => void | Promise<void>;
  signal: AbortSignalLike | undefined;
  /** Maximum number of steps per call of the engine. */
  stepsPerRun: number;
  /** The state for the next rollback, and the number of rollbacks so far. */
  setback: Setback;
}

/** What a rollback needs: the state of the last checkpoint, or of the start. */
export interface Setback {
  /** Number of rollbacks. */
  count: number;
  last?: { step: number; state: NamedTensors; schedules: Record<string, readonly number[]> };
}

/**
 * Trains until `config.steps` are done or the signal is aborted, which is checked between runs of steps. Saves at the
 * end in either case.
 */
export async function loop(run: Run): Promise<'finished' | 'interrupted'> {
  const { config, engine, store, clock, emit, signal, diagnosing } = run;
  const memories = Object.values(run.system.schedules).flatMap(({ memory }) => memory ?? []);
  let saved = engine.step === 0 ? -1 : engine.step;
  if (run.config.onNan.rollback > 0) remember(run, await engine.state());
  if (engine.step === 0 && config.sampleEvery > 0) await sample(run);

  training: while (engine.step < config.steps && !signal?.aborted) {
    const first = engine.step;
    const results = await engine.run(together(run));
    const speed = clock.step(results.length);

    for (const [i, returned] of results.entries()) {
      const step = first + i + 1;
      const scalars = { ...returned, ...(step === engine.step ? await diagnosing.probe(step) : {}) };
      if (!Object.values(scalars).every(Number.isFinite)) {
        await goBack(run, step, scalars, saved);
        continue training;
      }
      const line: LogLine = {
        step,
        scalars,
        rates: ratesAt(run.system, step - 1),
        images_per_s: speed,
        ...(run.peakMemory ? { peak_mb: run.peakMemory() / 1e6 } : {}),
        seconds: clock.seconds(),
      };
      if (step % config.logEvery === 0) {
        await store.log(line);
        run.reporting.logged(line);
        await warn(run, await diagnosing.observe(line));
      }
      if (step === 1) checkWatched(run.system, scalars);
      for (const memory of memories) memory.observe(step, scalars);
      await emit({ type: 'step', ...line, steps: config.steps, left: ((config.steps - step) * config.batch) / speed });
    }

    const step = engine.step;
    if (config.sampleEvery > 0 && step % config.sampleEvery === 0) await sample(run);
    if (run.measuring?.due(step)) saved = await measure(run, run.measuring, saved);
    if (config.checkpointEvery > 0 && step % config.checkpointEvery === 0) saved = await save(run, saved);
  }

  await save(run, saved);
  // The last save may have rolled back.
  if (engine.step < config.steps && !signal?.aborted) return loop(run);
  return engine.step >= config.steps ? 'finished' : 'interrupted';
}

/** Emits a diagnosis as a warning. */
async function warn({ emit }: Run, diagnosis: Diagnosis | undefined): Promise<void> {
  if (diagnosis === undefined) return;
  const { step, message, advice } = diagnosis;
  await emit({ type: 'warning', message: `step ${step}: ${message}; ${advice}`, diagnosis });
}

/**
 * Number of steps in the next call of the engine: up to the next grid, measurement, checkpoint, probe, change of a
 * schedule, or end, and at most `stepsPerRun`.
 */
function together({ config, engine, measuring, diagnosing, stepsPerRun, system }: Run): number {
  const remembering = Object.values(system.schedules).map(({ memory }) => memory?.every ?? 0);
  const left = [config.sampleEvery, config.checkpointEvery, ...remembering]
    .filter((every) => every > 0)
    .map((every) => every - (engine.step % every));
  left.push(diagnosing.left(engine.step));
  if (measuring !== undefined) left.push(measuring.left(engine.step));
  return Math.min(stepsPerRun, config.steps - engine.step, ...left);
}

/** The system's schedules at an iteration. */
function ratesAt({ schedules }: GanSystem, step: number): Record<string, number> {
  return Object.fromEntries(Object.entries(schedules).map(([name, schedule]) => [name, schedule(step)]));
}

/**
 * Refuses schedules that watch a scalar missing from the first iteration, in which all phases run. If some phases begin
 * later, their scalars are not known yet, so nothing is refused.
 */
function checkWatched({ schedules, phases }: GanSystem, scalars: Scalars): void {
  if (phases.some(({ from = 0 }) => from > 0)) return;
  const known = Object.keys(scalars);
  for (const [name, { memory }] of Object.entries(schedules)) {
    const watched = memory?.watches;
    if (watched !== undefined && !known.includes(watched))
      throw new UsageError(
        `config.schedules.${name}: expected a scalar of the log to watch (${known.join(', ')}), got ` +
          `'${watched}'${nearest(watched, known)}`,
        { code: 'config.invalid' },
      );
  }
}

/** State of the system's schedules, by name. */
function memoriesOf({ schedules }: GanSystem): Record<string, readonly number[]> {
  return Object.fromEntries(
    Object.entries(schedules).flatMap(([name, { memory }]) => (memory === undefined ? [] : [[name, memory.save()]])),
  );
}

/** Writes a grid for each output: the same inputs at every step. */
async function sample({ system, engine, previews, store, reporting, emit }: Run): Promise<void> {
  for (const [i, [name, feeds]] of [...previews].entries()) {
    const output = system.outputs[name];
    if (output === undefined) continue;
    const picture = pictureOf(output, await engine.preview(name, feeds.inputs), feeds);
    await store.sample(engine.step, picture, i === 0 ? undefined : name);
  }
  reporting.sampled();
  await emit({ type: 'sample', step: engine.step });
}

/**
 * Measures the generator. If its state is the best so far, it is stored as the best and also as a checkpoint: a run
 * that resumes from the newest checkpoint never starts before the best step. Returns the step of the newest checkpoint.
 */
async function measure(run: Run, measuring: Measuring, saved: number): Promise<number> {
  const { line, best } = await measuring.measure(run.engine.step);
  await run.store.measure(line);
  await run.emit({ type: 'measure', best, ...line });
  await warn(run, await run.diagnosing.measured(line));
  return best ? save(run, saved, true) : saved;
}

/**
 * Writes a checkpoint unless it exists already. If the state is not finite, the last good checkpoint is kept, and the
 * run rolls back or stops. Returns the step of the last checkpoint.
 */
async function save(run: Run, saved: number, best = false): Promise<number> {
  const { engine, identity, store, clock, emit, setback } = run;
  if (saved === engine.step && !best) return saved;
  const state = await engine.state();
  if (firstBad(state)) {
    await goBack(run, engine.step, {}, saved);
    return saved;
  }
  const { step } = engine;
  const [schedules, seconds, rollbacks] = [memoriesOf(run.system), clock.seconds(), setback.count];
  const bytes = await encodeCheckpoint({ ...identity, step, seconds, schedules, rollbacks, state });
  if (best) await store.best(step, bytes);
  await store.checkpoint(step, bytes);
  if (run.config.onNan.rollback > 0) remember(run, state);
  await emit({ type: 'checkpoint', step, bytes: bytes.length });
  return step;
}

function remember({ engine, system, setback }: Run, state: NamedTensors): void {
  setback.last = { step: engine.step, state, schedules: memoriesOf(system) };
}

/**
 * Rolls back to the last checkpoint, or the start of the session, and continues with other random numbers.
 * @throws ForjaError `train.nan` if no rollback is left.
 */
async function goBack(run: Run, step: number, scalars: Scalars, saved: number): Promise<void> {
  const { engine, system, store, setback, config, emit } = run;
  const { rollback, rates } = config.onNan;
  const found = await badIn(run, scalars);
  if (setback.last === undefined || setback.count >= rollback) throw stopped(run, step, found, saved);
  const { last } = setback;
  await engine.load(last.state);
  engine.step = last.step;
  engine.detour = ++setback.count;
  for (const [name, memory] of Object.entries(last.schedules)) system.schedules[name]?.memory?.load(memory);
  await store.dropAfter?.(last.step);
  run.reporting.backTo(last.step);
  run.measuring?.backTo(last.step);
  await run.diagnosing.recall();
  await emit({
    type: 'warning',
    message:
      `step ${step}: expected finite numbers, got ${found}; back to step ${last.step} with other random ` +
      `numbers${rates < 1 ? `, rates × ${rates ** setback.count}` : ''} (${setback.count} of at most ${rollback} ` +
      'times)',
  });
}

/** Describes what is not finite: scalars, losses first, and the first tensor of the state. */
async function badIn({ engine }: Run, scalars: Scalars): Promise<string> {
  const bad = firstBad(await engine.state());
  const found = [
    ...Object.entries(scalars)
      .filter(([, v]) => !Number.isFinite(v))
      .sort(([a], [b]) => Number(b.startsWith('loss')) - Number(a.startsWith('loss'))),
    ...(bad ? [[`first bad tensor '${bad.name}'`, bad.value] as const] : []),
  ];
  return found.map(([name, v]) => `${name} = ${v}`).join(', ');
}

/** The error that ends a run whose numbers are not finite. */
function stopped({ store, setback }: Run, step: number, found: string, saved: number): ForjaError {
  const kept =
    saved > 0
      ? `the checkpoint of step ${saved} in ${store.where} is the last good one; resume from it with`
      : 'no checkpoint had been written yet; start again with';
  const tried = setback.count === 0 ? '' : ` after going back ${setback.count} times`;
  return new ForjaError(
    'train.nan',
    `train, step ${step}: expected finite numbers, got ${found}${tried}; ${kept} lower rates, or another loss`,
  );
}
