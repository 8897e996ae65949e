// An open set of declarations by name: built-in ones, and those that users register. Used for losses, penalties and
// other parts that a configuration names.
import { optionsOf, UsageError, nearest, describeValue } from '@forja/core';

/** Declarations of one kind, by name. */
export interface Registry<T extends { readonly name: string }> {
  /** @throws UsageError for a name that is empty or taken. */
  add(item: T): void;
  /** @throws UsageError `config.invalid`, with the known names, for an unknown name. */
  of(name: string): T;
  names(): string[];
}

/** A registry of built-in declarations; errors call them `kind` ('loss', 'penalty'). */
export function registry<T extends { readonly name: string }>(kind: string, ready: readonly T[]): Registry<T> {
  const items = new Map(ready.map((item) => [item.name, item]));
  return {
    add(item) {
      optionsOf(kind, item);
      if (typeof item.name !== 'string' || item.name === '')
        throw new UsageError(`${kind}.name: expected a name, got ${describeValue(item.name)}`);
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
