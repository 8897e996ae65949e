// An open set of declarations by name: built-in ones, and those that users register. Used for losses, penalties and
// other parts that a configuration names.
import { optionsOf, UsageError, nearest, describeValue } from '@forja/core';

/** Declarations of one kind, by name. */
export interface Registry<T extends { readonly name: string }> {
  /** @throws UsageError for a name that is empty or taken, and for a part that is missing. */
  add(item: T): void;
  /** @throws UsageError `config.invalid`, with the known names, for an unknown name. */
  of(name: string): T;
  names(): string[];
}

/**
 * A registry of built-in declarations; errors call them `kind` ('loss', 'penalty'). `parts`: what each must have, and
 * of which type, so that a missing part is reported when it is added rather than in the middle of a run.
 */
export function registry<T extends { readonly name: string }>(
  kind: string,
  ready: readonly T[],
  parts: { readonly [K in keyof T]?: 'function' | 'object' } = {},
): Registry<T> {
  const items = new Map(ready.map((item) => [item.name, item]));
  return {
    add(item) {
      optionsOf(kind, item);
      if (typeof item.name !== 'string' || item.name === '')
        throw new UsageError(`${kind}.name: expected a name, got ${describeValue(item.name)}`);
      for (const [part, type] of Object.entries(parts) as [keyof T & string, 'function' | 'object'][])
        if (typeof item[part] !== type || item[part] === null)
          throw new UsageError(
            `${kind}.${part}: expected ${type === 'function' ? 'a function' : 'an object'} in '${item.name}', got ` +
              describeValue(item[part]),
          );
      if (items.has(item.name))
        throw new UsageError(`${kind}.name: expected a name that is not taken, got '${item.name}'; choose another`);
      items.set(item.name, item);
    },
    of(name) {
      const item = items.get(name);
      if (item === undefined)
        throw new UsageError(
          `${kind}: expected one of ${[...items.keys()].join(', ')}, got ${describeValue(name)}` +
            (typeof name === 'string' ? nearest(name, [...items.keys()]) : ''),
          {
            code: 'config.invalid',
          },
        );
      return item;
    },
    names: () => [...items.keys()],
  };
}
