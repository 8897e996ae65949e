// The page's elements, looked up once, what a visitor chose in them, and what is written into them.
import type { DeviceName } from '@forja/core';
import type { Settings } from './protocol.js';

/** Element by id, of the class expected. */
function element<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`index.html: expected #${id} to be a ${kind.name}`);
  return found;
}

export const page = {
  view: element('view', HTMLCanvasElement),
  caption: element('caption', HTMLElement),
  losses: element('losses', HTMLElement),
  answers: element('answers', HTMLElement),
  exported: element('exported', HTMLElement),
  made: element('made', HTMLCanvasElement),
  madeCaption: element('made-caption', HTMLElement),
  status: element('status', HTMLElement),
  problem: element('problem', HTMLElement),
  form: element('controls', HTMLFormElement),
  data: element('data', HTMLSelectElement),
  pictures: element('pictures', HTMLElement),
  files: element('files', HTMLInputElement),
  loss: element('loss', HTMLSelectElement),
  penalty: element('penalty', HTMLSelectElement),
  rateG: element('rate-g', HTMLInputElement),
  rateD: element('rate-d', HTMLInputElement),
  steps: element('steps', HTMLInputElement),
  batch: element('batch', HTMLInputElement),
  base: element('base', HTMLInputElement),
  seed: element('seed', HTMLInputElement),
  device: element('device', HTMLSelectElement),
  pause: element('pause', HTMLButtonElement),
  export: element('export', HTMLButtonElement),
  save: element('save', HTMLButtonElement),
  checkpoint: element('checkpoint', HTMLInputElement),
  report: element('report', HTMLElement),
};

/** What the visitor chose. */
export function settings(): Settings {
  return {
    steps: page.steps.valueAsNumber,
    batch: page.batch.valueAsNumber,
    base: page.base.valueAsNumber,
    seed: page.seed.valueAsNumber,
    loss: page.loss.value,
    penalty: page.penalty.value,
    rates: { g: page.rateG.valueAsNumber, d: page.rateD.valueAsNumber },
    device: page.device.value as DeviceName, // the options of index.html
  };
}

/** Shows or clears the one problem. Text only: a message may quote a file. */
export function showProblem(message = ''): void {
  page.problem.hidden = message === '';
  page.problem.textContent = message;
}

/** A list of terms. */
export function showReport(rows: readonly (readonly [string, string])[]): void {
  page.report.replaceChildren(
    ...rows.flatMap(([term, text]) => {
      const dt = document.createElement('dt');
      const dd = document.createElement('dd');
      dt.textContent = term;
      dd.textContent = text;
      return [dt, dd];
    }),
  );
}

/** Offers bytes as a file. */
export function download(name: string, bytes: Uint8Array): void {
  const url = URL.createObjectURL(new Blob([new Uint8Array(bytes)]));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
