// Every field of a configuration, of each system too, can be set by a flag. A schema of a type that flags.ts does not
// know would have none.
import { expect, test } from 'vitest';
import { kindOf, systemNames } from '../systems/registry.js';
import { runEntries } from '../train/config.js';
import { flagsOf } from './flags.js';

test.each(systemNames())('%s', (system) => {
  const entries = Object.entries({ ...runEntries, ...kindOf(system).options });
  const without = entries.filter(([name, schema]) => flagsOf({ [name]: schema }).length === 0);
  expect(without.map(([name]) => name)).toEqual([]);
});
