// Wires the page: sends the visitor's choices to the training worker, and draws what it reports. Loads and samples the
// exported file like any other.
import { latents } from '@forja/core';
import { load, toCanvas } from '@forja/web';
import { Curves } from './curves.js';
import { download } from '../../looks/elements.js';
import { page, settings, showProblem, showReport } from './page.js';
import { drawPlane, pencil } from './plane.js';
import type { Ask, DataChoice, Tell } from './protocol.js';

/** Minimum number of points in a drawing: two batches of the suggested size. */
const FEWEST = 128;
/** Edge that a visitor's pictures are cropped to. */
const EDGE = 32;

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'training' });
const send = (message: Ask): void => worker.postMessage(message);

const losses = new Curves(page.losses, 'Losses', ['loss_d', 'loss_g']);
const answers = new Curves(page.answers, 'Accuracy of D', ['d_real', 'd_fake'], true);

let files: readonly File[] = [];
let checkpoint: { step: number; bytes: Uint8Array } | undefined;
let target: Float32Array | undefined;
let rate = 0;
let facts: [string, string][] = [];
let paused = false;

const drawing = pencil(page.view, () => {
  target = Float32Array.from(drawing.points);
  page.caption.textContent = `${drawing.points.length / 2} points drawn`;
  drawPlane(page.view, { data: target });
});

/** Suggested settings for points and pictures, on a laptop. */
const SUGGESTED = {
  points: { base: 64, batch: 64, rate: 1e-3, steps: 3000 },
  pictures: { base: 16, batch: 32, rate: 2e-3, steps: 2000 },
};

/** Shows the chosen data and suggested settings before a run. */
function preview(): void {
  const kind = page.data.value as DataChoice['kind'];
  const { base, batch, rate: speed, steps } = SUGGESTED[kind === 'mnist' || kind === 'files' ? 'pictures' : 'points'];
  for (const [field, value] of [
    [page.base, base],
    [page.batch, batch],
    [page.rateG, speed],
    [page.rateD, speed],
    [page.steps, steps],
  ] as const)
    field.valueAsNumber = value;
  page.pictures.hidden = kind !== 'files';
  drawing.on = kind === 'drawn';
  page.view.classList.toggle('drawing', drawing.on);
  target = undefined;
  if (kind === 'ring' || kind === 'grid') send({ type: 'look', kind });
  if (kind === 'drawn') target = Float32Array.from(drawing.points);
  drawPlane(page.view, target ? { data: target } : {});
  page.caption.textContent = kind === 'drawn' ? 'Draw here with the pointer, then start.' : 'Nothing leaves this page.';
}

function chosen(): DataChoice {
  const kind = page.data.value as DataChoice['kind'];
  if (kind === 'drawn') {
    if (drawing.points.length < 2 * FEWEST)
      throw new Error(`draw at least ${FEWEST} points; there are ${drawing.points.length / 2}`);
    return { kind, points: Float32Array.from(drawing.points) };
  }
  if (kind === 'files') {
    if (files.length === 0) throw new Error('choose some pictures first, or drop them on the page');
    return { kind, files, size: EDGE };
  }
  return { kind };
}

function start(from?: Uint8Array): void {
  showProblem();
  setPaused(false);
  page.exported.hidden = true;
  try {
    send({ type: 'start', settings: settings(), data: chosen(), ...(from ? { checkpoint: from } : {}) });
    page.status.textContent = 'Tracing and compiling the step…';
    if (!from) for (const curves of [losses, answers]) curves.clear();
  } catch (error) {
    showProblem(error);
  }
}

function setPaused(to: boolean): void {
  paused = to;
  page.pause.setAttribute('aria-pressed', String(to));
  page.pause.textContent = to ? 'Go on' : 'Pause';
}

async function showExported(bytes: Uint8Array, step: number, error: number): Promise<void> {
  download('generator.onnx', bytes);
  const generator = await load(bytes, { device: 'wasm' });
  try {
    const pictures = generator.manifest.kind === 'latent';
    if (pictures) toCanvas((await generator.sample({ count: 36, seed: 7 })).grid(6), page.made);
    else {
      const [name = 'z'] = generator.manifest.inputs.map((input) => input.name);
      const made = await generator.run({ [name]: { shape: [512, 2], data: latents(7, 0, 512, 2) } });
      drawPlane(page.made, {
        made: Object.values(made)[0]?.data as Float32Array, // points are floats
        ...(target ? { data: target } : {}),
      });
    }
    page.exported.hidden = false;
    page.madeCaption.textContent =
      `Made by generator.onnx of step ${step}, ${(bytes.length / 1000).toFixed(0)} kB, loaded from its ` +
      `bytes; largest relative difference from TensorFlow.js ${error.toExponential(1)}`;
  } finally {
    await generator.dispose();
  }
}

const HANDLERS: { [K in Tell['type']]: (message: Extract<Tell, { type: K }>) => void } = {
  target: ({ kind, points }) => {
    if (kind !== page.data.value) return; // other data was chosen meanwhile
    target = points;
    drawPlane(page.view, { data: points });
  },
  started: ({ device, parameters, step }) => {
    facts = [
      ['Runs on', device],
      [
        'Weights',
        Object.entries(parameters)
          .map(([role, count]) => `${role} ${count}`)
          .join(', '),
      ],
    ];
    page.status.textContent = `Training from step ${step}`;
    for (const button of [page.pause, page.export]) button.disabled = false;
  },
  steps: ({ steps, imagesPerSecond }) => {
    losses.add(steps);
    answers.add(steps);
    const last = steps.at(-1);
    if (imagesPerSecond > 0) rate = imagesPerSecond;
    if (last) page.status.textContent = `Step ${last.step}`;
    const scalars = Object.entries(last?.scalars ?? {}).map(([name, v]): [string, string] => [name, v.toPrecision(4)]);
    showReport([...facts, ['Examples/s', rate.toFixed(0)], ...scalars]);
  },
  picture: ({ step, width, height, rgba }) => {
    if (target) return; // points are shown by `plane`
    Object.assign(page.view, { width, height });
    page.view.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
    describe(`Pictures of step ${step}`);
  },
  plane: ({ step, points, edge, field }) => {
    drawPlane(page.view, { ...(target ? { data: target } : {}), made: points, field: { edge, values: field } });
    describe(`Step ${step}: data black, generated red; D's verdict: blue real, orange generated`);
  },
  checkpoint: (message) => {
    checkpoint = message;
    page.save.disabled = false;
  },
  model: ({ bytes, step, error }) => {
    page.status.textContent = `Exported at step ${step}`;
    showExported(bytes, step, error).catch((problem: unknown) => showProblem(problem));
  },
  note: ({ text }) => void (page.status.textContent = text),
  failed: ({ message }) => {
    page.status.textContent = 'Stopped';
    showProblem(message);
  },
};

function describe(text: string): void {
  page.caption.textContent = text;
  page.view.setAttribute('aria-label', text);
}

function handle<K extends Tell['type']>(message: Extract<Tell, { type: K }>): void {
  HANDLERS[message.type as K](message);
}

worker.addEventListener('message', ({ data }: MessageEvent<Tell>) => handle(data));
worker.addEventListener('error', ({ message }) => showProblem(message));

page.data.addEventListener('input', preview);
page.files.addEventListener('input', () => void (files = [...(page.files.files ?? [])]));
page.form.addEventListener('submit', (event) => {
  event.preventDefault();
  start();
});
page.pause.addEventListener('click', () => {
  setPaused(!paused);
  send({ type: paused ? 'pause' : 'go' });
});
page.export.addEventListener('click', () => {
  setPaused(false);
  send({ type: 'export' });
});
page.save.addEventListener('click', () => {
  if (checkpoint) download(`step-${checkpoint.step}.ckpt`, checkpoint.bytes);
});
page.checkpoint.addEventListener('input', () => {
  const [file] = page.checkpoint.files ?? [];
  page.checkpoint.value = ''; // so that the same file can be chosen again
  void file?.arrayBuffer().then((buffer) => start(new Uint8Array(buffer)));
});
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  files = [...(event.dataTransfer?.files ?? [])];
  if (files.length === 0) return;
  page.data.value = 'files';
  preview();
  page.caption.textContent = `${files.length} pictures; start when ready`;
});

preview();
