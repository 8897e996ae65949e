// The page: the list of generators, the chosen one loaded on a device, its view, and the address. Only the chosen
// generator is fetched.
import type { DeviceName, Generator } from '@forja/core';
import { load } from '@forja/web';
import list from 'virtual:generators';
import { deviceRows, element, showProblem, showTerms } from '../../looks/elements.js';
import { hashOf, stateOf } from './address.js';
import type { Entry } from './entry.js';
import { keepRest, watched } from './offline.js';
import type { Verdicts } from './verdicts.js';
import { VIEWS, type View } from './views.js';

const page = {
  list: element('list', HTMLElement),
  status: element('status', HTMLElement),
  pictures: element('pictures', HTMLElement),
  caption: element('caption', HTMLElement),
  problem: element('problem', HTMLElement),
  controls: element('controls', HTMLElement),
  device: element('device', HTMLSelectElement),
  report: element('report', HTMLElement),
  about: element('about', HTMLElement),
  file: element('file', HTMLAnchorElement),
  kept: element('kept', HTMLElement),
};

let shown: { entry: Entry; generator: Generator } | undefined;
let view: View | undefined;
let verdicts: Verdicts | undefined;
let rate = 0;
/** Number of the last request; results of earlier ones are dropped. */
let request = 0;

const links = list.map((entry) => {
  const link = document.createElement('a');
  link.href = hashOf({ g: entry.id });
  link.textContent = entry.title;
  const item = document.createElement('li');
  item.append(link);
  page.list.append(item);
  return link;
});

/** Ends the view; its elements stay on the page, inactive, until the next one. */
function leave(): void {
  view?.leave();
  verdicts?.leave();
  view = verdicts = undefined;
  page.controls.inert = true;
}

/** Shows the state in the address; loads its generator unless it is loaded already. */
async function follow(): Promise<void> {
  const mine = ++request;
  const state = stateOf(location.hash);
  const entry = state['g'] === undefined ? list[0] : list.find(({ id }) => id === state['g']);
  leave();
  showProblem(page.problem);
  links.forEach((link, i) =>
    list[i] === entry ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current'),
  );
  if (!entry) {
    page.status.textContent = 'Nothing runs';
    return showProblem(page.problem, `There is no generator '${state['g']}' here; choose one of the list.`);
  }
  document.title = `${entry.title} · Forja gallery`;
  describe(entry);
  try {
    const generator = await opened(entry, mine);
    if (mine !== request || !generator) return;
    const show = await VIEWS[entry.manifest.kind]?.();
    const module = entry.discriminator && (await import('./verdicts.js'));
    if (mine !== request || !show) return;
    const problem = (error?: unknown): void => showProblem(page.problem, error);
    if (entry.discriminator) verdicts = module?.verdictsOf(entry.discriminator, generator.device.requested, problem);
    page.status.textContent = `${entry.title} on ${generator.device.actual}`;
    report(generator);
    page.controls.inert = false;
    view = show({
      entry,
      generator,
      pictures: page.pictures,
      controls: page.controls,
      state,
      remember: (own) => {
        const hash = hashOf({ g: entry.id, ...own });
        if (hash !== location.hash) history.replaceState(null, '', hash); // browsers limit how often this is called
      },
      made: (images, ms) => {
        keep();
        const now = (1000 * images) / Math.max(ms, 0.1);
        rate = rate === 0 ? now : 0.8 * rate + 0.2 * now;
        report(generator);
      },
      verdicts,
      caption: (text) => (page.caption.textContent = text),
      problem,
    });
  } catch (error) {
    if (mine !== request) return;
    page.status.textContent = 'Nothing runs';
    showProblem(page.problem, error);
  }
}

/**
 * The generator of an entry. Loads it if needed, after disposing the one loaded before; undefined if another request
 * came meanwhile.
 */
async function opened(entry: Entry, mine: number): Promise<Generator | undefined> {
  if (shown?.entry === entry) return shown.generator;
  const old = shown;
  shown = undefined;
  rate = 0;
  page.report.replaceChildren();
  page.caption.textContent = '';
  page.status.textContent = `Loading ${entry.title}…`;
  await old?.generator.dispose();
  if (mine !== request) return undefined;
  const generator = await load(entry.file, { device: page.device.value as DeviceName }); // index.html lists devices
  if (mine !== request) return void generator.dispose();
  shown = { entry, generator };
  return generator;
}

let seen = false;
let keeping = false;
/** Once, after the first picture: keeps the page for visits without a network. */
function keep(): void {
  if (!seen || keeping) return;
  keeping = true;
  void keepRest().then((kept) => (page.kept.hidden = !kept));
}

function report(generator: Generator): void {
  const images: [string, string][] = rate === 0 ? [] : [['Images/s', rate < 10 ? rate.toFixed(1) : rate.toFixed(0)]];
  showTerms(page.report, [...images, ...deviceRows(generator.device)]);
}

function describe({ about, bytes, file, manifest, discriminator }: Entry): void {
  const { kind, weights, precision, trainedOn, license } = manifest;
  const known = (term: string, text: string | undefined): [string, string][] => (text ? [[term, text]] : []);
  showTerms(page.about, [
    ...known('Draws', about),
    ['Kind', kind],
    ['File', sizeOf(bytes)],
    ...known('Discriminator', discriminator && sizeOf(discriminator.bytes)),
    ...known('Weights', weights ?? precision),
    ...known('Trained on', trainedOn),
    ...known('Licence', license),
  ]);
  page.file.href = file;
}

function sizeOf(bytes: number): string {
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

addEventListener('hashchange', () => void follow());
page.device.addEventListener('change', () => {
  leave();
  const old = shown;
  shown = undefined; // reload on that device
  void Promise.resolve(old?.generator.dispose()).then(follow);
});
void watched().then((by) => {
  seen = by;
  return follow();
});
