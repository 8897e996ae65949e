// Helpers that views share: controls from index.html, a canvas, and redrawing one request at a time.
import { element } from '../../looks/elements.js';

/** Replaces the content of `place` with the form of a template. */
export function formOf(template: string, place: HTMLElement): HTMLFormElement {
  // The cast: a clone of a fragment is a fragment.
  const copy = element(template, HTMLTemplateElement).content.cloneNode(true) as DocumentFragment;
  const form = copy.querySelector('form');
  if (!form) throw new Error(`index.html: expected a form in #${template}`);
  place.replaceChildren(form);
  form.addEventListener('submit', (event) => event.preventDefault());
  return form;
}

/** A canvas that screen readers treat as a picture. */
export function canvasOf(label: string): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', label);
  return canvas;
}

/** A canvas in an element of the same size, so that a list of numbers can be shown on top of it. */
export function framed(canvas: HTMLCanvasElement): HTMLElement {
  const place = document.createElement('div');
  place.className = 'framed';
  place.append(canvas);
  return place;
}

/** Runs `work` at each call, one at a time; calls during a run are merged into one more run. */
export function latest(work: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  const run = async (): Promise<void> => {
    running = true;
    do {
      again = false;
      await work();
    } while (again);
    running = false;
  };
  return () => {
    if (running) again = true;
    else void run();
  };
}
