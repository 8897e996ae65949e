// Guards a trace against random numbers and clocks. A random number would be frozen in the program, and it might choose
// another branch in another trace, so drawing one is refused. For clocks, a function is traced again with its clocks
// set ahead: if results depend on the time, the traces differ.
import { ExportError } from '@forja/core';
import { callerOf, callSite } from '../tfjs/call-site.js';
import { override } from '../tfjs/engine.js';
import { innermostOps, insideDropout, insideOp } from '../tfjs/scopes.js';

/**
 * Thrown for a function that gives different results when it is called again with the same inputs. Tracing it at other
 * sizes would not help.
 */
export class ChanceError extends ExportError {
  /** `site`: `file:line:column`; empty if it is not known. */
  constructor(site: string | undefined, why: string, where = 'trace') {
    super('export.unsupported', `${where}${site === undefined || site === '' ? '' : `, at ${site}`}: ${why}`);
  }
}

/** What a guard saw. */
export interface Chance {
  /** Where a clock was first read, `file:line:column`, as far as that is known. */
  clock?: string | undefined;
  /** Where one of tfjs's own ops drew random numbers in JavaScript. */
  drawn?: string | undefined;
}

const HOUR = 3_600_000;

/**
 * How far clocks are moved, in ms. Each move changes one kind of field, whatever the time is, because none carries over
 * into another move's field. First 1003 days and 12 hours: the year, the month, the day of the week and the half of the
 * day change. The rest, for functions that read a clock: the hour, the minute, the second and the millisecond change
 * between even and odd.
 */
export const LATER: readonly [number, ...number[]] = [(1003 * 24 + 12) * HOUR, HOUR, 31 * 60_000, 31_000, 1];

/**
 * Installs the guards; the returned functions remove them. Clocks run ahead by `moved` ms. What the guards notice is
 * recorded in `seen`.
 */
export function guardChance(seen: Chance, moved: number): (() => void)[] {
  return [drawing(seen), ...generating(), ...clocks(seen, moved)];
}

/** Refuses `Math.random` in code other than tfjs's. */
function drawing(seen: Chance): () => void {
  return override(Math, 'random', (original) => {
    const random = (): number => {
      const { who } = callerOf(random);
      if (who === 'user' || (who === 'bundle' && !insideOp())) throw refusal('Math.random()');
      if (!insideDropout()) seen.drawn ??= callSite() ?? '';
      return original();
    };
    return random;
  });
}

/**
 * Calls an eager step. It must give the same results for the same seed, like the compiled one, so numbers that Forja
 * does not draw are refused, tfjs's own included; those of dropout are Forja's.
 * @throws ChanceError naming the line.
 */
export function withoutChance<T>(fn: () => T): T {
  const undo = [
    override(Math, 'random', (original) => () => {
      if (insideDropout()) return original();
      throw unrepeatable(
        insideOp() ? `tf.${innermostOps().at(-1)?.replace(/_*op$/, '')} without a seed` : 'Math.random()',
      );
    }),
    ...generating(unrepeatable),
  ];
  try {
    return fn();
  } finally {
    for (const one of undo.reverse()) one();
  }
}

function unrepeatable(what: string): ChanceError {
  return new ChanceError(
    callSite(),
    `expected numbers that seed and step determine, got ${what}: the step would give other results at each run, and ` +
      `compile refuses it. Draw with Forja's random.normal, random.uniform or random.bernoulli`,
    'eagerStep',
  );
}

/** Refuses to draw random numbers from Web Crypto. */
function generating(refuse = refusal): (() => void)[] {
  const { crypto } = globalThis as { crypto?: Crypto }; // absent in some runtimes
  return crypto === undefined
    ? []
    : (['getRandomValues', 'randomUUID'] as const).map((name) =>
        override(crypto, name, () => () => {
          throw refuse(`crypto.${name}()`);
        }),
      );
}

function refusal(what: string): ChanceError {
  return new ChanceError(
    callSite(),
    `expected the same computation at each call, got ${what}: its number, and the branch that it chooses, would be ` +
      `frozen in the file. Draw numbers with Forja's random, and choose by tf.where; or draw outside the function, ` +
      'and pass them as an input',
  );
}

/** Sets `Date` and `performance.now` ahead by `moved` ms. */
function clocks(seen: Chance, moved: number): (() => void)[] {
  const now = Date.now.bind(Date);
  const read = (by: (...given: never[]) => unknown): number => {
    const { who, site } = callerOf(by);
    if (who !== 'library') seen.clock ??= site ?? '';
    return now() + moved;
  };
  const date = override(globalThis, 'Date', (original) => {
    const handler: ProxyHandler<DateConstructor> = {
      construct: function construct(target, given: unknown[], as: DateConstructor) {
        const times = given.length === 0 ? [read(construct)] : given;
        return Reflect.construct(target, times, as) as object;
      },
      apply: function apply(target) {
        return new target(read(apply)).toString();
      },
      get: (target, key, on) => (key === 'now' ? current : (Reflect.get(target, key, on) as unknown)),
    };
    const current = (): number => read(current);
    return new Proxy(original, handler);
  });
  const performing = override(performance, 'now', (original) => {
    const from = original.bind(performance);
    const current = (): number => {
      const { who, site } = callerOf(current);
      if (who !== 'library') seen.clock ??= site ?? '';
      return from() + moved;
    };
    return current;
  });
  return [date, performing];
}
