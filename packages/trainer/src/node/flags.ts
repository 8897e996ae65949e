// Derives command-line flags from a configuration's schema (names, types, choices, defaults, help), and turns values of
// flags back into fields.
import { UsageError, type CliOption } from '@forja/core';
import * as v from 'valibot';
import type { OptionEntries } from '../systems/kind.js';
import { rowOfType, type OptionShape, type OptionType } from '../systems/option-shape.js';

const kebab = (name: string): string => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
/** The key under which Commander stores a flag's value. */
const camel = (flag: string): string => flag.replace(/-(\w)/g, (_, c: string) => c.toUpperCase());
const singular = (name: string): string => name.replace(/ies$/, 'y').replace(/s$/, '');

/** A flag, and how it sets its field. */
interface Flag {
  option: CliOption;
  key: string;
  set(fields: Record<string, unknown>, value: unknown): void;
}

/** The flags of configuration fields. */
export function flagsOf(entries: OptionEntries): CliOption[] {
  return Object.entries(entries).flatMap(([name, schema]) => flags(name, schema, entries).map(({ option }) => option));
}

/**
 * Fields of a configuration from the values of flags, without those that were not given.
 * @throws UsageError for a list value that is not `name=weight`.
 */
export function fieldsOf(entries: OptionEntries, args: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(entries))
    for (const { key, set } of flags(name, schema, entries)) if (args[key] !== undefined) set(fields, args[key]);
  return fields;
}

function flags(name: string, schema: OptionEntries[string], entries: OptionEntries): Flag[] {
  // `--schedule cosine` and `--schedule r1=linear` are the same flag, made from the field with the plural name.
  if (Object.keys(entries).some((other) => other !== name && singular(other) === name)) return [];
  const outer = schema as unknown as OptionShape; // the properties of valibot's objects that are read here
  const shape = outer.wrapped ?? outer;
  const help = v.getDescription(schema as v.GenericSchema) ?? '';
  const initial = outer.default;
  const described = typeof initial === 'number' || typeof initial === 'string' ? `${help}; default ${initial}` : help;
  const flag = (text: string, value: string, rest: Partial<CliOption>, set: Flag['set']): Flag => ({
    option: { flags: `--${text}${value}`, description: described, ...rest },
    key: camel(text.replace(/^no-/, '')),
    set,
  });
  const put: Flag['set'] = (fields, value) => (fields[name] = value);
  const kinds: Readonly<Record<OptionType, () => Flag[]>> = {
    number: () => [flag(kebab(name), ' <n>', { type: isInteger(shape) ? 'integer' : 'number' }, put)],
    // Commander gives an absent flag --no-x the value true.
    boolean: () =>
      initial === true
        ? [flag(`no-${kebab(name)}`, '', {}, (fields, value) => void (value === false && put(fields, value)))]
        : [flag(kebab(name), '', {}, put)],
    picklist: () => [flag(kebab(name), ' <kind>', { choices: shape.options as string[] }, put)],
    string: () => {
      const choices = shape.pipe?.find(({ metadata }) => metadata?.choices)?.metadata?.choices?.();
      const text = name === 'out' ? '-o, --out' : `--${kebab(name)}`;
      const option = choices ? { choices } : {};
      return [
        {
          ...flag(kebab(name), choices ? ' <name>' : ' <path>', option, put),
          ...(name === 'out' ? { option: { flags: `${text} <path>`, description: described, type: 'path' } } : {}),
        },
      ];
    },
    union: () => [flag(kebab(name), ' <source>', {}, put)],
    array: () => [
      flag(kebab(name), ' <names>', {}, (fields, value) => {
        fields[name] = (value as string).split(',').map((one) => one.trim()); // a flag's text
      }),
    ],
    strict_object: () =>
      Object.entries(shape.entries ?? {}).map(([key, entry]) => {
        const type =
          (entry.wrapped ?? entry).type === 'number' ? { value: ' <n>', type: 'number' as const } : undefined;
        return flag(
          `${kebab(singular(name))}-${key}`,
          type?.value ?? ' <name>',
          { ...(type === undefined ? {} : { type: type.type }), description: `${help} (${key})` },
          (fields, value) => {
            fields[name] = { ...(fields[name] as object | undefined), [key]: value };
          },
        );
      }),
    record: () => {
      const single = singular(name);
      const { value } = shape.pipe?.find(({ metadata }) => metadata)?.metadata ?? {};
      const words = single in entries ? `kind|${value ?? ''}` : (value ?? 'name=weight');
      return [
        flag(kebab(single), ` <${words}>`, { type: 'list' }, (fields, given) => {
          const texts = [given].flat() as string[]; // a list, or a single value if the system has only that kind
          const alone = texts.filter((text) => single in entries && !text.includes('='));
          const named = texts.filter((text) => !alone.includes(text));
          if (alone.length > 0) fields[single] = alone.at(-1);
          const read = value === undefined ? weighed : split;
          if (named.length > 0) fields[name] = Object.fromEntries(named.map((text) => read(kebab(single), text)));
        }),
      ];
    },
  };
  return rowOfType(kinds, shape.type)?.() ?? [];
}

const isInteger = ({ pipe }: OptionShape): boolean => pipe?.some(({ type }) => type === 'integer') ?? false;

/** Splits `rate_d=linear:2e-4:0` into the name and the rest. */
function split(flag: string, text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new UsageError(`train --${flag}: expected name=…, got '${text}'`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Parses `r1=0.05` or `r1=0.05,every=16`. */
function weighed(flag: string, text: string): [string, unknown] {
  const [first = '', ...rest] = text.split(',');
  const [name = '', weight] = first.split('=');
  if (name === '' || weight === undefined || weight.trim() === '' || !Number.isFinite(Number(weight)))
    throw new UsageError(`train --${flag}: expected name=weight, such as r1=0.1 or r1=0.1,every=16, got '${text}'`);
  if (rest.length === 0) return [name, Number(weight)];
  const more = rest.map((pair): [string, string | number] => {
    const [key = '', value = ''] = pair.split('=');
    return [key, value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value];
  });
  return [name, { weight: Number(weight), ...Object.fromEntries(more) }];
}
