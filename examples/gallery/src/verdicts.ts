// The discriminator's scores of the shown pictures, if the visitor wants them: a sentence below them, and in a grid a
// number on each picture. The discriminator is fetched on first use.
import type { DeviceName, Generator, ImageLike, ScoreOptions } from '@forja/core';
import { load } from '@forja/web';
import { element } from '../../looks/elements.js';
import type { Discriminator } from './entry.js';
import { latest } from './stand.js';

/** Pictures on one canvas, in rows of ⌈√n⌉. */
export interface Judged {
  canvas: HTMLCanvasElement;
  pictures: readonly ImageLike[];
  /** How the sentence refers to the pictures: `yours`; default `this` or `these`. */
  what?: string;
  /** The class of each picture; empty if the generator takes none. */
  labels?: readonly (number | string)[];
  /** The text of all pictures. */
  text?: ScoreOptions['text'] | undefined;
}

/** The verdicts of a view. */
export interface Verdicts {
  /** Replaces the pictures that are judged. */
  of(judged: readonly Judged[]): void;
  /** Call when the shown pictures cannot be judged; `why` is shown instead of scores. */
  none(why: string): void;
  /** Disposes the discriminator and hides its place. */
  leave(): void;
}

/** Shows the button that asks the discriminator. It is loaded on `device`; `problem` shows an error. */
export function verdictsOf(
  { file, probability }: Discriminator,
  device: DeviceName,
  problem: (error: unknown) => void,
): Verdicts {
  const place = element('discriminator', HTMLElement);
  const ask = element('ask', HTMLButtonElement, place);
  const verdict = element('verdict', HTMLElement, place);
  element('half', HTMLElement, place).hidden = !probability;
  const gone = new AbortController();
  let loading: Promise<Generator> | undefined;
  let judged: readonly Judged[] = [];
  let whyNone = '';
  const asked = (): boolean => ask.getAttribute('aria-pressed') === 'true';
  const press = (on: boolean): void => ask.setAttribute('aria-pressed', String(on));

  const shownNumber = (score: number): string =>
    probability ? `${Math.round(100 * score)} %` : String(Number(score.toPrecision(3)));
  const saying = (what: string, number: string): string =>
    probability
      ? `The discriminator takes ${what} for real: ${number}`
      : `The discriminator’s score of ${what}, where higher is more real: ${number}`;

  /** Sentence about the pictures of a canvas. */
  function sentence({ what, pictures }: Judged, scores: readonly number[]): string {
    const numbers = [
      Math.min(...scores),
      Math.max(...scores),
      scores.reduce((sum, one) => sum + one, 0) / scores.length,
    ];
    const [low = '', high = '', mean = ''] = numbers.map(shownNumber);
    return pictures.length === 1
      ? saying(what ?? 'this', mean)
      : saying(what ?? 'these', `${mean} in the mean, from ${low} to ${high}`);
  }

  /** The number on each picture of a grid, with a sentence for screen readers. */
  function numbersOn({ labels = [] }: Judged, scores: readonly number[]): HTMLElement {
    const list = document.createElement('ol');
    list.className = 'verdicts';
    list.style.setProperty('--columns', String(Math.ceil(Math.sqrt(scores.length))));
    for (const [i, score] of scores.entries()) {
      const said = document.createElement('span');
      said.className = 'unseen';
      said.textContent = saying(`picture ${i + 1}${labels[i] === undefined ? '' : ` (${labels[i]})`}`, '');
      const item = document.createElement('li');
      item.append(said, shownNumber(score));
      list.append(item);
    }
    return list;
  }

  /** Removes the scores, and sets the pictures that are judged next. */
  function clear(next = judged, why = whyNone): void {
    document.querySelectorAll('.verdicts').forEach((list) => list.remove());
    judged.forEach(({ canvas }) => canvas.removeAttribute('aria-describedby'));
    [judged, whyNone] = [next, why];
    verdict.textContent = asked() ? why : '';
  }

  const judge = latest(async () => {
    const mine = judged;
    const current = (): boolean => !gone.signal.aborted && judged === mine && asked();
    if (!current() || mine.length === 0) return;
    try {
      if (!loading) verdict.textContent = 'Loading the discriminator…';
      loading ??= load(file, { device });
      const discriminator = await loading;
      const scores: number[][] = [];
      for (const one of mine) {
        if (!current()) return;
        scores.push(await discriminator.score(one.pictures, conditions(discriminator, one)));
      }
      if (!current()) return;
      const sentences = mine.map((one, i) => {
        const text = document.createElement('p');
        text.id = `verdict-${i}`;
        text.textContent = sentence(one, scores[i] ?? []);
        one.canvas.setAttribute('aria-describedby', text.id);
        if (one.pictures.length > 1) one.canvas.after(numbersOn(one, scores[i] ?? []));
        return text;
      });
      verdict.replaceChildren(...sentences);
    } catch (error) {
      void loading?.catch(() => (loading = undefined)); // the next click tries again
      if (gone.signal.aborted) return;
      press(false);
      clear();
      problem(error);
    }
  });

  const replace = (next: readonly Judged[], why: string): void => {
    clear(next, why);
    judge();
  };
  press(false);
  verdict.textContent = '';
  place.hidden = false;
  ask.addEventListener(
    'click',
    () => {
      press(!asked());
      clear();
      judge();
    },
    { signal: gone.signal },
  );
  return {
    of: (next) => replace(next, ''),
    none: (why) => replace([], why),
    leave: () => {
      gone.abort();
      place.hidden = true;
      clear();
      loading?.then((discriminator) => discriminator.dispose()).catch(() => undefined); // an error of loading was shown
    },
  };
}

/** The class and text of the pictures, if the discriminator takes them. */
function conditions({ manifest }: Generator, { labels = [], text }: Judged): ScoreOptions {
  const takes = (role: 'label' | 'text'): boolean => manifest.inputs.some((input) => input.role === role);
  return {
    ...(takes('label') ? { label: labels } : {}),
    ...(takes('text') && text !== undefined ? { text } : {}),
  };
}
