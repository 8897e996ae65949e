// What views share: their controls from index.html, and pictures that follow the controls, one at a time.
import { element } from './elements.js';

/** The form of a template, put in the place of what is there. */
export function formOf(template: string, place: HTMLElement): HTMLFormElement {
  const copy = element(template, HTMLTemplateElement).content.cloneNode(true) as DocumentFragment; // of a fragment
  const form = copy.querySelector('form');
  if (!form) throw new Error(`index.html: expected a form in #${template}`);
  place.replaceChildren(form);
  form.addEventListener('submit', (event) => event.preventDefault());
  return form;
}

/** A canvas that is read as a picture. */
export function canvasOf(label: string): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', label);
  return canvas;
}

/** Runs `work` whenever it is asked to, once at a time; what was asked for meanwhile is one more run. */
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
