// Schedules as plain data, for configurations, and as short strings, for flags.
import { optionsOf, UsageError, nearest, shown } from '@forja/core';
import { constantRate, cosineDecay, exponentialDecay, linearDecay, stepDecay, warmUp } from './curves.js';
import { plateau, type PlateauOptions } from './plateau.js';
import type { Schedule } from './schedule.js';

/** A curve from `from` to `to` over `steps`, then constant. */
interface Curve<K extends string> {
  kind: K;
  from?: number;
  to?: number;
  steps?: number;
}

type Kinds =
  | { kind: 'constant'; from?: number }
  | Curve<'linear'>
  | Curve<'cosine'>
  | Curve<'exponential'>
  | { kind: 'step'; from?: number; factor?: number; every: number }
  | ({ kind: 'plateau'; from?: number } & Omit<PlateauOptions, 'from'>);

/**
 * A schedule as plain data. Defaults: `from` is the scalar's own value, `steps` the rest of the run, `to` a tenth of
 * `from`. `warmup`: steps of a linear rise before it.
 */
export type ScheduleConfig = Kinds & { warmup?: number };

/** Kinds of schedules. */
export type ScheduleKind = ScheduleConfig['kind'];

/** The scalar that follows a schedule. */
export interface ScheduleOf {
  /** Its value without a schedule. */
  value?: number;
  /** Steps of the run. */
  steps?: number;
}

type Maker<K extends ScheduleKind> = (config: Extract<Kinds, { kind: K }>, of: ScheduleOf) => Schedule;

const curve =
  (make: (from: number, to: number, steps: number) => Schedule) =>
  (config: Omit<Curve<string>, 'kind'>, of: ScheduleOf): Schedule => {
    const { from = of.value ?? NaN, to = from / 10, steps = of.steps ?? NaN } = config;
    return make(from, to, steps);
  };

const MAKERS: { readonly [K in ScheduleKind]: Maker<K> } = {
  constant: ({ from }, { value = NaN }) => constantRate(from ?? value),
  linear: curve(linearDecay),
  cosine: curve(cosineDecay),
  exponential: curve(exponentialDecay),
  step: ({ from, factor = 0.1, every }, { value = NaN }) => stepDecay(from ?? value, factor, every),
  plateau: (config: Extract<Kinds, { kind: 'plateau' }> & { warmup?: number }, { value = NaN }) => {
    const { kind: _, warmup: __, from, ...rest } = config;
    return plateau({ ...rest, from: from ?? value });
  },
};

/** Fields of each kind, in their order in a string. */
const WORDS: Readonly<Record<ScheduleKind, readonly string[]>> = {
  constant: ['from'],
  linear: ['from', 'to', 'steps'],
  cosine: ['from', 'to', 'steps'],
  exponential: ['from', 'to', 'steps'],
  step: ['from', 'factor', 'every'],
  plateau: ['watch', 'factor', 'patience', 'every'],
};

/** Names of the kinds. */
export const scheduleKinds = Object.keys(MAKERS) as readonly ScheduleKind[];

/**
 * Makes a scalar's schedule from its configuration.
 * @throws UsageError `config.invalid` for an unknown kind, a number that is not finite and ≥ 0, or a length that is not
 * a whole number ≥ 1.
 */
export function schedule<K extends ScheduleKind>(
  config: Extract<Kinds, { kind: K }> & { warmup?: number },
  of: ScheduleOf = {},
): Schedule {
  const { value, steps } = optionsOf('schedule.of', of, 'steps value');
  const { kind, warmup = 0 }: { kind: K; warmup?: number } = optionsOf('schedule', config);
  if (!Object.hasOwn(MAKERS, kind))
    throw new UsageError(
      `schedule.kind: expected one of ${scheduleKinds.join(', ')}, got ${shown(kind)}` +
        nearest(String(kind), scheduleKinds),
      { code: 'config.invalid' },
    );
  if (kind !== 'plateau') {
    const known = ['kind', 'warmup', ...WORDS[kind]];
    const stray = Object.keys(config).find((name) => !known.includes(name));
    if (stray !== undefined)
      throw new UsageError(
        `schedule.${stray}: expected no such field${nearest(stray, known) || `; it may be ${known.join(', ')}`}`,
        { code: 'config.invalid' },
      );
  }
  const rest = steps === undefined ? {} : { steps: Math.max(1, steps - warmup) };
  const made = MAKERS[kind](config, { ...(value === undefined ? {} : { value }), ...rest });
  return warmup === 0 ? made : warmUp(warmup, made);
}

/**
 * A string as plain data, unchecked: `cosine`, `linear:2e-4:0:5000`, `linear::0`, `cosine,warmup=500`,
 * `plateau:loss_g:0.5:10`: the kind, its fields in order (empty ones are defaults), then further fields by name. Throws
 * UsageError if `text` is not a string.
 */
export function scheduleWords(text: string): Record<string, unknown> {
  if (typeof text !== 'string') throw new UsageError(`scheduleWords: expected a string, got ${shown(text)}`);
  const [first = '', ...named] = text.split(',');
  const [kind = '', ...values] = first.split(':');
  const fields = WORDS[kind as ScheduleKind] as readonly string[] | undefined; // undefined for unknown kinds
  const pairs = [
    ...values.map((value, i) => [fields?.[i] ?? `part ${i + 2}`, value] as const),
    ...named.map((pair) => {
      const [key = '', ...value] = pair.split('=');
      return [key, value.join('=')] as const;
    }),
  ];
  const given = pairs.filter(([, value]) => value.trim() !== '');
  return {
    kind,
    ...Object.fromEntries(
      given.map(([key, value]) => [key, Number.isFinite(Number(value)) ? Number(value) : value] as const),
    ),
  };
}
