// Rows of documentation for configuration fields: names, values, defaults and help, read from the schema. The tables of
// docs/train.md are made from them and checked against them.
import * as v from 'valibot';
import type { OptionEntries } from '../systems/kind.js';
import { rowOfType, type OptionAction, type OptionShape, type OptionType } from '../systems/option-shape.js';
import { kindOf } from '../systems/registry.js';
import { runEntries } from './config.js';

/** One field of a configuration. */
export interface OptionRow {
  field: string;
  /** Description of its values. */
  values: string;
  /** Its default; `needed` if required, '' if leaving it out has a meaning of its own. */
  standard: string;
  help: string;
}

/** Rows of the fields of every run, or of a system's own. */
export function optionRows(system?: string): OptionRow[] {
  const entries: OptionEntries = system === undefined ? runEntries : kindOf(system).options;
  return Object.entries(entries).map(([field, schema]) => {
    const shape = schema as unknown as OptionShape; // the properties of valibot's objects that are read here
    return {
      field,
      values: valuesOf(shape.wrapped ?? shape),
      standard: shape.type === 'optional' ? shown(shape.default) : 'needed',
      help: v.getDescription(schema as v.GenericSchema) ?? '',
    };
  });
}

/** The rows as a table in Markdown. */
export function optionTable(system?: string): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = optionRows(system).map(
    ({ field, values, standard, help }) => `| \`${field}\` | ${values} | ${standard} | ${cell(help)} |`,
  );
  return ['| field | values | default | |', '|---|---|---|---|', ...rows].join('\n');
}

function shown(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'object') return Object.keys(value ?? {}).length === 0 ? '' : `\`${JSON.stringify(value)}\``;
  return String(value);
}

function valuesOf({ type, pipe = [], options = [], entries = {}, item }: OptionShape): string {
  const kinds: Readonly<Record<OptionType, () => string>> = {
    number: () => numbers(pipe),
    boolean: () => '`true`, `false`',
    picklist: () => options.map((one) => `\`${String(one)}\``).join(', '),
    string: () => choices(pipe) ?? pipe.find(({ metadata }) => metadata?.words)?.metadata?.words ?? 'a path',
    strict_object: () =>
      `{ ${Object.entries(entries)
        .map(([key, of]) => `${key}: ${valuesOf(of.wrapped ?? of)}`)
        .join(', ')} }`,
    array: () => `a list of ${valuesOf(item ?? { type: 'string' })}`,
    record: () => pipe.find(({ metadata }) => metadata?.words)?.metadata?.words ?? '{ name: weight }',
    union: () => choices(pipe) ?? 'a name, a path, or { kind, … }',
  };
  return rowOfType(kinds, type)?.() ?? type;
}

/** Names of an open set. */
const choices = (pipe: readonly OptionAction[]): string | undefined =>
  pipe
    .find(({ metadata }) => metadata?.choices)
    ?.metadata?.choices?.()
    .map((one) => `\`${one}\``)
    .join(', ');

/** `a number` with its bounds. Inner pipes come first, so the last bound of each kind is the effective one. */
function numbers(pipe: readonly OptionAction[]): string {
  const all = pipe.flatMap((action) => action.pipe ?? [action]);
  const bound = (type: string): unknown => all.filter((action) => action.type === type).at(-1)?.requirement;
  const [least, above, most, below] = ['min_value', 'gt_value', 'max_value', 'lt_value'].map(bound);
  const low = above !== undefined ? `above ${String(above)}` : least !== undefined ? `from ${String(least)}` : '';
  const unbounded = typeof most === 'number' && most >= 1e9;
  const high =
    below !== undefined ? `below ${String(below)}` : most === undefined || unbounded ? '' : `${grouped(most)}`;
  const range = [low, high].filter((text) => text !== '').join(' to ');
  return range === '' ? 'a number' : range;
}

const grouped = (value: unknown): string => Number(value).toLocaleString('en-US');
