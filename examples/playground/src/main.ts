// Wires the page: load on a device, draw the grid of a seed, walk from seed to seed. Every picture is generated live.
import type { Generator, ImageBatch } from '@forja/core';
import { load, toBlob, toCanvas } from '@forja/web';
import type { DeviceName } from '@forja/core';
import { download } from '../../looks/elements.js';
import { offerClasses, page, showProblem, showReport } from './page.js';
import { walkFrames } from './walk.js';

const MODEL = '/generator.onnx';

let generator: Generator | undefined;
let shown: ImageBatch | undefined;
let rate = 0;
/** Number of the last request; results of earlier ones are dropped. */
let request = 0;

const settings = () => ({
  seed: page.seed.valueAsNumber,
  count: Number(page.count.value),
  truncation: page.truncation.valueAsNumber,
});
/** The chosen class. Without one, the pictures cycle through all classes. */
const chosen = (): { label?: string } => (page.class.value === '' ? {} : { label: page.class.value });
const limit = (): number | undefined =>
  page.truncation.value === page.truncation.max ? undefined : page.truncation.valueAsNumber;

async function open(device: DeviceName): Promise<void> {
  const mine = ++request;
  stopWalk();
  showProblem();
  page.status.textContent = `Starting on ${device}…`;
  await generator?.dispose();
  generator = undefined;
  try {
    const opened = await load(MODEL, {
      device,
      warmup: true,
      onProgress: ({ loaded, total }) => (page.status.textContent = `Loading ${percent(loaded, total)}`),
    });
    if (mine !== request) return void opened.dispose();
    generator = opened;
    offerClasses(opened.manifest.inputs.find(({ role }) => role === 'label')?.classes ?? []);
    await draw();
  } catch (error) {
    if (mine !== request) return;
    page.status.textContent = 'Nothing runs';
    showProblem(
      error instanceof Error && 'code' in error && error.code === 'model.notFound'
        ? new Error(
            'There is no model yet. Run "npm run demo" first, or "npm run playground -- path/to/generator.onnx".',
          )
        : error,
    );
  }
}

async function draw(): Promise<void> {
  const { seed, count } = settings();
  if (!generator || !Number.isInteger(seed) || seed < 0) return;
  const mine = request;
  const truncation = limit();
  try {
    const batch = await timed(
      count,
      generator.sample({ count, seed, ...chosen(), ...(truncation === undefined ? {} : { truncation }) }),
    );
    if (mine === request)
      show(
        batch,
        `Seed ${seed}, ${count} pictures of ${batch.width} × ` +
          `${batch.height}${page.class.value && `: ${page.class.value}`}`,
      );
    showProblem();
  } catch (error) {
    showProblem(error);
  }
}

function show(batch: ImageBatch, caption: string): void {
  shown = batch;
  toCanvas(batch.grid(Math.sqrt(batch.count)), page.canvas);
  page.canvas.setAttribute('aria-label', caption);
  page.caption.textContent = caption;
  if (!generator) return;
  const { device } = generator;
  page.status.textContent = `${device.actual} · ${rate.toFixed(0)} images/s`;
  showReport(device, [['Images/s', rate.toFixed(0)]]);
}

async function timed<T>(images: number, work: Promise<T>): Promise<T> {
  const start = performance.now();
  const value = await work;
  const now = (1000 * images) / Math.max(performance.now() - start, 0.1);
  rate = rate === 0 ? now : 0.8 * rate + 0.2 * now;
  return value;
}

let walking: AbortController | undefined;

function stopWalk(): void {
  walking?.abort();
  walking = undefined;
  page.walk.setAttribute('aria-pressed', 'false');
  page.walk.textContent = 'Play walk';
}

async function startWalk(): Promise<void> {
  if (!generator) return;
  const control = (walking = new AbortController());
  page.walk.setAttribute('aria-pressed', 'true');
  page.walk.textContent = 'Pause walk';
  const { seed, count } = settings();
  try {
    for (const { latents, from, at } of walkFrames(generator.manifest, seed, count, limit())) {
      const batch = await timed(count, generator.sample({ count, latents, ...chosen() }));
      await new Promise(requestAnimationFrame);
      if (control.signal.aborted) return;
      if (at === 0) page.seed.value = String(from);
      show(batch, `Walking from seed ${from} to ${from + 1}`);
    }
  } catch (error) {
    if (control.signal.aborted) return;
    stopWalk();
    showProblem(error);
  }
}

function percent(loaded: number, total: number | undefined): string {
  return total === undefined ? `${(loaded / 1e6).toFixed(1)} MB` : `${Math.floor((100 * loaded) / total)} %`;
}

async function save(): Promise<void> {
  if (!shown) return;
  download(`forja-${settings().seed}.png`, await toBlob(shown.grid(Math.sqrt(shown.count))));
}

page.form.addEventListener('submit', (event) => event.preventDefault());
page.form.addEventListener('input', (event) => {
  page.truncationValue.textContent = limit() === undefined ? 'off' : `|z| ≤ ${page.truncation.value}`;
  if (event.target === page.device) {
    rate = 0;
    return void open(page.device.value as DeviceName); // index.html lists devices
  }
  stopWalk();
  void draw();
});
page.next.addEventListener('click', () => {
  stopWalk();
  page.seed.valueAsNumber = (settings().seed + 1) % 2 ** 32;
  void draw();
});
page.walk.addEventListener('click', () => (walking ? stopWalk() : void startWalk()));
page.save.addEventListener('click', () => void save());

void open('auto');
