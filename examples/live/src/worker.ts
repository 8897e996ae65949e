// The training worker: runs `train` off the page's thread, handles the page's messages and reports progress. Steps run
// in the runtime's own worker, on WebGPU or WASM.
import { latents, tensor, type DeviceName, type Image } from '@forja/core';
import { MemoryStore, train, type LiveRun, type TrainConfig, type TrainEvent } from '@forja/trainer';
import { runtime, type WebRuntime } from '@forja/web';
import { datasetOf, type Chosen } from './dataset.js';
import { REACH, type Ask, type Settings, type StepScalars, type Tell } from './protocol.js';

const send = (message: Tell, transfer: Transferable[] = []): void => postMessage(message, { transfer });

/** Number of shown points, and the edge of the discriminator's field. */
const SHOWN = 512;
const EDGE = 48;
/** Milliseconds between messages about steps. */
const EVERY_MS = 50;

/** Posts grids and checkpoints to the page, and keeps the newest checkpoint. */
class PostingStore extends MemoryStore {
  newest: { step: number; bytes: Uint8Array } | undefined;

  override async sample(step: number, picture: Image, output?: string): Promise<void> {
    await super.sample(step, picture, output);
    const rgba = new Uint8ClampedArray(picture.toRGBA());
    send({ type: 'picture', step, width: picture.width, height: picture.height, rgba }, [rgba.buffer]);
  }

  override async checkpoint(step: number, bytes: Uint8Array): Promise<void> {
    await super.checkpoint(step, bytes);
    this.newest = { step, bytes };
    send({ type: 'checkpoint', step, bytes });
  }
}

/** A run that is active or can be continued. */
interface ActiveRun {
  control: AbortController;
  store: PostingStore;
  settings: Settings;
  chosen: Chosen;
  done: Promise<void>;
}

let activeRun: ActiveRun | undefined;
/** Resolves when the run may take its next step. */
let gate = Promise.resolve();
let openGate = (): void => {};
let host: { device: DeviceName; runtime: WebRuntime } | undefined;

async function runtimeOn(device: DeviceName): Promise<WebRuntime> {
  if (host?.device === device) return host.runtime;
  await host?.runtime.dispose();
  host = { device, runtime: runtime({ device }) };
  return host.runtime;
}

function configOf({ settings, chosen }: Pick<ActiveRun, 'settings' | 'chosen'>): TrainConfig {
  const { steps, batch, base, seed, loss, penalty, rates } = settings;
  const run = { data: chosen.data, steps, batch, base, seed, rates, loss, checkpointEvery: 100 };
  const own = {
    ...run,
    ...(penalty === '' ? {} : { penalties: { [penalty]: penalty === 'gradient-penalty' ? 10 : 0.1 } }),
  } as Omit<TrainConfig, 'system'>; // names come from the page's lists
  return chosen.system === 'mlp'
    ? ({ system: 'mlp', sampleEvery: 50, sampleCount: 16, ...own } as TrainConfig)
    : ({ system: 'dcgan', sampleEvery: 10, sampleCount: 36, latent: 64, ...own } as TrainConfig);
}

/** The generator's points and the discriminator's probabilities over the plane. */
async function showPlane(run: LiveRun, step: number): Promise<void> {
  const z = tensor('float32', [SHOWN, 2], latents(1, 0, SHOWN, 2));
  const at = (i: number): number => REACH * ((2 * i + 1) / EDGE - 1);
  const places = Float32Array.from({ length: EDGE * EDGE * 2 }, (_, k) =>
    k % 2 === 0 ? at((k >> 1) % EDGE) : at(Math.floor((k >> 1) / EDGE)),
  );
  const made = await run.evaluate('g', { z });
  const logits = await run.evaluate('d', { x: tensor('float32', [EDGE * EDGE, 2], places) });
  const points = Float32Array.from(made.data as Float32Array);
  const field = (logits.data as Float32Array).map((v) => 1 / (1 + Math.exp(-v)));
  send({ type: 'plane', step, points, edge: EDGE, field: Float32Array.from(field) });
}

/** Trains to `steps`, from a checkpoint if there is one, and posts the model at the end. */
async function trainTo(run: ActiveRun, steps: number, checkpoint: Uint8Array | undefined): Promise<void> {
  let live: LiveRun | undefined;
  let waiting: StepScalars[] = [];
  let last = 0;
  const flush = (imagesPerSecond: number): void => {
    if (waiting.length > 0) send({ type: 'steps', steps: waiting, imagesPerSecond });
    [waiting, last] = [[], performance.now()];
  };
  const onEvent = async (event: TrainEvent): Promise<void> => {
    if (event.type === 'start')
      send({ type: 'started', device: event.device, parameters: event.parameters, step: event.step });
    if (event.type === 'warning') send({ type: 'note', text: event.message });
    if (event.type === 'sample' && live !== undefined && run.chosen.system === 'mlp') await showPlane(live, event.step);
    if (event.type !== 'step') return;
    waiting.push({ step: event.step, scalars: event.scalars });
    if (performance.now() - last > EVERY_MS || event.step === steps) flush(event.images_per_s);
    await gate;
  };
  const result = await train(
    { ...configOf(run), steps },
    {
      runtime: await runtimeOn(run.settings.device),
      dataset: run.chosen.dataset,
      store: run.store,
      signal: run.control.signal,
      stepsPerRun: run.chosen.system === 'mlp' ? 'auto' : 1,
      onReady: (ready) => void (live = ready),
      onEvent,
      ...(checkpoint ? { checkpoint } : {}),
    },
  );
  flush(0);
  const { model, exportError = NaN } = result;
  if (model) send({ type: 'model', step: result.step, bytes: model, error: exportError });
}

async function begin({ settings, data, checkpoint }: Extract<Ask, { type: 'start' }>): Promise<void> {
  activeRun?.control.abort();
  openGate();
  await activeRun?.done.catch(() => undefined);
  const chosen = await datasetOf(data);
  const run: ActiveRun = {
    control: new AbortController(),
    store: new PostingStore(),
    settings,
    chosen,
    done: Promise.resolve(),
  };
  activeRun = run;
  run.done = trainTo(run, settings.steps, checkpoint);
  await run.done;
}

async function finishNow(): Promise<void> {
  const run = activeRun;
  if (run === undefined) throw new Error('there is no run yet: start one');
  run.control.abort();
  openGate();
  await run.done;
  const { newest } = run.store;
  if (newest === undefined) throw new Error('there is nothing to export before the first step');
  run.control = new AbortController();
  run.done = trainTo(run, newest.step, newest.bytes);
  await run.done;
}

/** Posts some points of a synthetic data set, [n · 2]. */
async function postPoints({ kind }: Extract<Ask, { type: 'look' }>): Promise<void> {
  const { dataset } = await datasetOf({ kind });
  const points = new Float32Array(2 * SHOWN);
  await dataset.read(
    Array.from({ length: SHOWN }, (_, i) => i),
    { vector: points },
  );
  send({ type: 'target', kind, points });
}

const HANDLERS: { [K in Ask['type']]: (ask: Extract<Ask, { type: K }>) => Promise<void> | void } = {
  look: postPoints,
  start: begin,
  pause: () => {
    gate = new Promise((resolve) => (openGate = resolve));
  },
  go: () => openGate(),
  export: finishNow,
};

function handle<K extends Ask['type']>(ask: Extract<Ask, { type: K }>): Promise<void> | void {
  return HANDLERS[ask.type as K](ask);
}

addEventListener('message', ({ data }: MessageEvent<Ask>) => {
  void (async () => handle(data))().catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    send({ type: 'failed', message: `${error instanceof Error ? error.message : String(error)}${code}` });
  });
});
