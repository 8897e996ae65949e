// Helpers that the example pages share: looking up elements, lists of terms, problems and downloads.
import type { DeviceReport } from '@forja/core';

/** The element with this id. Throws if it is missing or of another class. */
export function element<E extends Element>(id: string, kind: new () => E, within: ParentNode = document): E {
  const found = within.querySelector(`#${id}`);
  if (!(found instanceof kind)) throw new Error(`index.html: expected #${id} to be a ${kind.name}`);
  return found;
}

/** A row of a list of terms. */
export type Row = readonly [term: string, text: string];

/** Writes a list of terms. */
export function showTerms(list: HTMLElement, rows: readonly Row[]): void {
  list.replaceChildren(
    ...rows.flatMap(([term, text]) => {
      const dt = document.createElement('dt');
      const dd = document.createElement('dd');
      dt.textContent = term;
      dd.textContent = text;
      return [dt, dd];
    }),
  );
}

/** The device report as terms. */
export function deviceRows(device: DeviceReport): Row[] {
  const placed = Object.entries(device.placement).map(([provider, nodes]) => `${nodes} on ${provider}`);
  return [
    ['Asked for', device.requested],
    ['Runs on', device.actual],
    ...(device.adapter === undefined ? [] : [['Adapter', device.adapter] as const]),
    ['Threads', String(device.threads)],
    ['Isolated page', device.crossOriginIsolated ? 'yes' : 'no, so WASM has one thread'],
    ...(placed.length === 0 ? [] : [['Nodes', placed.join(', ')] as const]),
    ...device.reasons.map((reason) => ['Why', reason] as const),
  ];
}

/** Shows or clears a problem, with its code. It is set as text, not as HTML, because a message may quote a file. */
export function showProblem(place: HTMLElement, error?: unknown): void {
  place.hidden = error === undefined;
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  place.textContent = error === undefined ? '' : `${error instanceof Error ? error.message : String(error)}${code}`;
}

/** Lets the browser save a file. */
export function download(name: string, content: Blob | Uint8Array): void {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([new Uint8Array(content)]));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
