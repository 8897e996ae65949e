// The view of generators that draw from latents: pictures of a seed, and a walk through the next seeds or the classes,
// which can be played and saved.
import type { Image, ImageBatch } from '@forja/core';
import { toBlob, toCanvas } from '@forja/web';
import { download, element } from '../../looks/elements.js';
import { enlarged } from './enlarged.js';
import { latentControls } from './latent-controls.js';
import { canvasOf, framed, latest } from './stand.js';
import type { Stage, View } from './views.js';

/** Frames from one stop of a walk to the next, number of stops, and milliseconds per frame. */
const FRAMES = 24;
const STOPS = 4;
const DELAY = 50;

export function showLatent(stage: Stage): View {
  const { entry, generator } = stage;
  const { form, classes, asked, state, next } = latentControls(stage);
  const button = (id: string): HTMLButtonElement => element(id, HTMLButtonElement, form);
  const walk = button('walk');
  const canvas = canvasOf('Generated pictures');
  stage.pictures.className = 'pictures';
  stage.pictures.replaceChildren(framed(canvas));

  let here = true;
  let shown: Image | undefined;
  let kept: { of: string; batch: ImageBatch } | undefined;
  /** Incremented with each walk. */
  let turn = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const walking = (): boolean => walk.getAttribute('aria-pressed') === 'true';

  function paint(picture: Image, caption: string): void {
    shown = picture;
    toCanvas(picture, canvas);
    canvas.classList.toggle('smooth', picture.width > 700);
    canvas.setAttribute('aria-label', caption);
  }

  const draw = latest(async () => {
    if (!here || !form.checkValidity()) return;
    const { seed, count, label, options, words } = asked();
    try {
      stage.remember(state());
      const begun = performance.now();
      const batch = await generator.sample({ seed, count, ...(label === undefined ? {} : { label }), ...options });
      if (!here || walking()) return;
      stage.made(count, performance.now() - begun);
      stage.problem();
      const what = count === 1 ? 'a picture' : `${count} pictures`;
      const caption = `Seed ${seed}, ${what} of ${batch.width} × ${batch.height}${words && `: ${words}`}`;
      paint(batch.grid(), caption);
      stage.caption(caption);
      const labels = label === undefined ? classes : [label];
      stage.verdicts?.of([{ canvas, pictures: [...batch], labels: stretched(labels, count), text: options.text }]);
    } catch (error) {
      if (here) stage.problem(error);
    }
  });

  /** The pictures of the walk: through the next seeds, or through the classes if none is chosen. */
  async function walked(): Promise<ImageBatch> {
    const of = JSON.stringify(state());
    if (kept?.of === of) return kept.batch;
    const { seed, label, options } = asked();
    const labels = label === undefined ? classes : [label];
    const stops = Math.max(labels.length, STOPS);
    const begun = performance.now();
    const batch = await generator.interpolate({
      seeds: Array.from({ length: stops }, (_, i) => (seed + i) % 2 ** 32),
      steps: FRAMES * stops,
      loop: true,
      ...(labels.length === 0 ? {} : { label: labels.length > 1 ? stretched(labels, stops) : labels }),
      ...options,
    });
    stage.made(batch.count, performance.now() - begun);
    kept = { of, batch };
    return batch;
  }

  function stop(): void {
    clearTimeout(timer);
    walk.setAttribute('aria-pressed', 'false');
    walk.textContent = 'Play walk';
  }

  async function play(): Promise<void> {
    const mine = ++turn;
    walk.setAttribute('aria-pressed', 'true');
    walk.textContent = 'Stop walk';
    stage.caption('Drawing the walk…');
    const batch = await walked();
    if (!here || !walking() || mine !== turn) return;
    const { seed, words } = asked();
    const caption = `A walk from seed ${seed}, ${batch.count} pictures${words && `: ${words}`}`;
    stage.caption(caption);
    stage.verdicts?.none('The discriminator does not judge walks; stop the walk to ask it.');
    let frame = 0;
    const step = (): void => {
      paint(batch.at(frame), caption);
      frame = (frame + 1) % batch.count;
      timer = setTimeout(step, DELAY);
    };
    step();
  }

  const { id } = entry;
  const saves: Readonly<Record<string, () => Promise<void>>> = {
    png: async () => {
      if (shown) download(`${id}-${asked().seed}.png`, await toBlob(shown));
    },
    gif: async () => download(`${id}-${asked().seed}.gif`, await enlarged(await walked()).toGIF({ delayMs: DELAY })),
    webm: async () => {
      const { toWebM } = await import('./webm.js');
      download(`${id}-${asked().seed}.webm`, await toWebM(enlarged(await walked()), DELAY));
    },
    link: async () => {
      await navigator.clipboard.writeText(location.href);
      stage.caption('The link to these pictures is copied.');
    },
  };
  button('webm').hidden = typeof VideoEncoder === 'undefined';
  for (const [name, save] of Object.entries(saves)) {
    const one = button(name);
    one.addEventListener('click', () => {
      if (one.getAttribute('aria-disabled') === 'true' || !form.checkValidity()) return;
      one.setAttribute('aria-disabled', 'true'); // `disabled` would remove the focus
      save()
        .then(stage.problem, (error: unknown) => here && stage.problem(error))
        .finally(() => one.removeAttribute('aria-disabled'));
    });
  }
  const change = (): void => {
    stop();
    draw();
  };
  form.addEventListener('input', change);
  button('next').addEventListener('click', () => {
    next();
    change();
  });
  walk.addEventListener('click', () => {
    if (walking()) change();
    else
      play().catch((error: unknown) => {
        stop();
        if (here) stage.problem(error);
      });
  });
  draw();
  return {
    leave: () => {
      here = false;
      clearTimeout(timer);
    },
  };
}

/** Repeats a list cyclically up to a length; an empty one stays empty. */
function stretched<T>(list: readonly T[], length: number): T[] {
  return list.length === 0 ? [] : Array.from({ length }, (_, i) => list[i % list.length] as T);
}
