// The page's elements, and functions that write into them.
import type { DeviceReport } from '@forja/core';
import { deviceRows, element, showProblem as show, showTerms, type Row } from '../../looks/elements.js';

export const page = {
  canvas: element('grid', HTMLCanvasElement),
  caption: element('caption', HTMLElement),
  status: element('status', HTMLElement),
  problem: element('problem', HTMLElement),
  form: element('controls', HTMLFormElement),
  seed: element('seed', HTMLInputElement),
  next: element('next', HTMLButtonElement),
  count: element('count', HTMLSelectElement),
  classes: element('classes', HTMLElement),
  class: element('class', HTMLSelectElement),
  truncation: element('truncation', HTMLInputElement),
  truncationValue: element('truncation-value', HTMLOutputElement),
  device: element('device', HTMLSelectElement),
  walk: element('walk', HTMLButtonElement),
  save: element('save', HTMLButtonElement),
  report: element('report', HTMLElement),
};

/** Fills the list of classes; hides it for models without classes. */
export function offerClasses(names: readonly string[]): void {
  page.classes.hidden = names.length === 0;
  page.class.replaceChildren(
    page.class.options[0] as HTMLOptionElement,
    ...names.map((name) => new Option(name, name)),
  );
  page.class.value = '';
}

/** Shows or clears a problem. */
export const showProblem = (error?: unknown): void => show(page.problem, error);

/** Shows the device report and further terms. */
export function showReport(device: DeviceReport, rows: readonly Row[]): void {
  showTerms(page.report, [...deviceRows(device), ...rows]);
}
