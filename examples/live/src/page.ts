// The page's elements: reads settings from them and writes results into them.
import type { DeviceName } from '@forja/core';
import { element, showProblem as show, showTerms, type Row } from '../../looks/elements.js';
import type { Settings } from './protocol.js';

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
    device: page.device.value as DeviceName, // index.html lists devices
  };
}

/** Shows or clears a problem. */
export const showProblem = (error?: unknown): void => show(page.problem, error);

/** Shows a list of terms. */
export const showReport = (rows: readonly Row[]): void => showTerms(page.report, rows);
