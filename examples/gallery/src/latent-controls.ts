// The controls of generators that draw from latents: which the generator has, their values, and their state in the
// address.
import type { ManifestInput, Mix, SampleOptions, Truncation } from '@forja/core';
import { element } from '../../looks/elements.js';
import type { State } from './address.js';
import { formOf } from './stand.js';
import type { Stage } from './views.js';

/** Maximum number of words shown in the help of the text field. */
const WORDS = 40;

/** Values of the controls, as options of `sample` and `interpolate`. */
export interface LatentValues {
  seed: number;
  count: number;
  /** The class, if one is chosen. */
  label?: number | string;
  /** Text, truncation, mix and noise. */
  options: Pick<SampleOptions, 'text' | 'truncation' | 'mix' | 'noise'>;
  /** Class and text, for captions; may be empty. */
  words: string;
}

export interface LatentControls {
  form: HTMLFormElement;
  /** All classes; empty if the generator takes none. */
  classes: readonly (number | string)[];
  asked(): LatentValues;
  /** Values that differ from the defaults, and always the seed. */
  state(): State;
  /** Increments the seed. */
  next(): void;
}

/** Shows the controls with the values of the address; invalid values are ignored. */
export function latentControls({
  entry,
  controls,
  state,
}: Pick<Stage, 'entry' | 'controls' | 'state'>): LatentControls {
  const input = (role: ManifestInput['role']): ManifestInput | undefined =>
    entry.manifest.inputs.find((one) => one.role === role);
  const form = formOf('latent', controls);
  const number = (id: string): HTMLInputElement => element(id, HTMLInputElement, form);
  const count = element('count', HTMLSelectElement, form);
  const ofClass = element('class', HTMLSelectElement, form);
  const [seed, text, t, psi, mix, from] = ['seed', 'text', 't', 'psi', 'mix', 'from'].map(number) as [
    HTMLInputElement,
    HTMLInputElement,
    HTMLInputElement,
    HTMLInputElement,
    HTMLInputElement,
    HTMLInputElement,
  ];
  const takes = {
    class: input('label') !== undefined,
    text: input('text') !== undefined,
    psi: input('psi') !== undefined,
    mix: input('mix') !== undefined,
    noise: input('noise') !== undefined,
    t: input('psi') === undefined && input('latent')?.distribution !== 'uniform',
  };

  const classes = classesOf(input('label'));
  ofClass.append(...classes.map((one) => new Option(String(one))));
  const vocabulary = input('text')?.vocabulary?.slice(1) ?? [];
  text.value = entry.text ?? vocabulary[0] ?? '';
  text.required = takes.text;
  const rest = vocabulary.length > WORDS ? `, … (${vocabulary.length} in all)` : '';
  element('text-help', HTMLElement, form).textContent = `It knows: ${vocabulary.slice(0, WORDS).join(', ')}${rest}`;
  const layers = input('layer')?.range?.[1] ?? 0;
  from.max = String(layers);
  from.value = String(Math.floor(layers / 2));
  for (const [one, offered] of [
    [ofClass, takes.class],
    [text, takes.text],
    [t, takes.t],
    [psi, takes.psi],
  ] as const)
    (one.parentElement as HTMLElement).hidden = !offered;
  element('mixing', HTMLElement, form).hidden = !takes.mix;
  const noise = noiseControls(form, takes.noise, state['noise']);

  /** Fields stored in the address, by their names in it. */
  const kept = { seed, count, class: ofClass, text, t, psi, mix, from };
  const begin = Object.fromEntries(Object.entries(kept).map(([name, { value }]) => [name, value]));
  for (const [name, field] of Object.entries(kept)) {
    const said = state[name];
    if (said === undefined) continue;
    field.value = said;
    if (field.value !== said || !field.checkValidity()) field.value = begin[name] ?? '';
  }

  const tell = (): void => {
    element('t-value', HTMLElement, form).textContent = t.value === t.max ? 'off' : `|z| ≤ ${t.value}`;
    element('psi-value', HTMLElement, form).textContent = psi.value;
    element('from-value', HTMLElement, form).textContent = `${from.value} of ${layers}`;
  };
  form.addEventListener('input', tell);
  tell();

  const label = (): { label?: number | string } => {
    const chosen = classes[ofClass.selectedIndex - 1]; // the first option means all classes
    return chosen === undefined ? {} : { label: chosen };
  };
  const truncation = (): { truncation?: Truncation } => {
    if (takes.psi && psi.valueAsNumber !== 1) return { truncation: { psi: psi.valueAsNumber } };
    return takes.t && t.value !== t.max ? { truncation: t.valueAsNumber } : {};
  };
  const mixed = (): { mix?: Mix } =>
    takes.mix && mix.value !== '' ? { mix: { seed: mix.valueAsNumber, from: from.valueAsNumber } } : {};

  return {
    form,
    classes,
    asked: () => ({
      seed: seed.valueAsNumber,
      count: Number(count.value),
      ...label(),
      options: { ...(takes.text ? { text: text.value } : {}), ...truncation(), ...mixed(), ...noise.asked() },
      words: [ofClass.value, takes.text ? `“${text.value}”` : ''].filter((one) => one !== '').join(', '),
    }),
    state: () => ({
      seed: seed.value,
      ...Object.fromEntries(
        Object.entries(kept).flatMap(([name, { value }]) => (value === begin[name] ? [] : [[name, value]])),
      ),
      noise: noise.state(),
    }),
    next: () => (seed.valueAsNumber = (seed.valueAsNumber + 1) % 2 ** 32 || 0),
  };
}

/**
 * The choice of noise: that of the picture's seed, that of another seed, or none. `said` is the choice in the address:
 * an empty text, the other seed, or `none`.
 */
function noiseControls(
  form: HTMLFormElement,
  offered: boolean,
  said = '',
): { asked(): Pick<SampleOptions, 'noise'>; state(): string } {
  const of = element('noise', HTMLSelectElement, form);
  const seed = element('noise-seed', HTMLInputElement, form);
  (of.parentElement as HTMLElement).hidden = !offered;
  const begin = seed.value;
  seed.value = said;
  if (said === 'none') of.value = said;
  else if (seed.value !== '' && seed.checkValidity()) of.value = 'other';
  if (of.value !== 'other') seed.value = begin;
  const tell = (): void => {
    const other = offered && of.value === 'other';
    (seed.parentElement as HTMLElement).hidden = !other;
    seed.disabled = !other; // so that it cannot make the form invalid
  };
  of.addEventListener('input', tell);
  tell();
  const chosen = (): string => (!offered ? '' : of.value === 'other' ? seed.value : of.value);
  return {
    state: chosen,
    asked: () => {
      const noise = chosen();
      return noise === '' ? {} : { noise: noise === 'none' ? noise : { seed: seed.valueAsNumber } };
    },
  };
}

/** The classes of a label: names, or numbers if the file has no names. */
function classesOf(label: ManifestInput | undefined): readonly (number | string)[] {
  if (!label) return [];
  const { classes, range } = label;
  return classes ?? Array.from({ length: range ? range[1] + 1 : 0 }, (_, i) => i);
}
