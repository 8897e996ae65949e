// The page's elements, looked up once, and what is written into them. It knows neither models nor time.
import type { DeviceReport } from '@forja/core';

/** Element by id, of the class expected. */
function element<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`index.html: expected #${id} to be a ${kind.name}`);
  return found;
}

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

/** Offers the classes of a model that takes one. */
export function offerClasses(names: readonly string[]): void {
  page.classes.hidden = names.length === 0;
  page.class.replaceChildren(
    page.class.options[0] as HTMLOptionElement,
    ...names.map((name) => new Option(name, name)),
  );
  page.class.value = '';
}

/** Shows or clears the one problem. Text only: a message may quote a file. */
export function showProblem(error?: unknown): void {
  page.problem.hidden = error === undefined;
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  page.problem.textContent =
    error === undefined ? '' : `${error instanceof Error ? error.message : String(error)}${code}`;
}

/** The device report as a list of terms. */
export function showReport(device: DeviceReport, rows: readonly (readonly [string, string])[]): void {
  const isolated = device.crossOriginIsolated ? 'yes' : 'no, so WASM has one thread';
  const placed = Object.entries(device.placement).map(([provider, nodes]) => `${nodes} on ${provider}`);
  const all: (readonly [string, string])[] = [
    ['Asked for', device.requested],
    ['Runs on', device.actual],
    ...(device.adapter === undefined ? [] : [['Adapter', device.adapter] as const]),
    ['Threads', String(device.threads)],
    ['Isolated page', isolated],
    ...(placed.length === 0 ? [] : [['Nodes', placed.join(', ')] as const]),
    ...device.reasons.map((reason) => ['Why', reason] as const),
    ...rows,
  ];
  page.report.replaceChildren(
    ...all.flatMap(([term, text]) => {
      const dt = document.createElement('dt');
      const dd = document.createElement('dd');
      dt.textContent = term;
      dd.textContent = text;
      return [dt, dd];
    }),
  );
}
