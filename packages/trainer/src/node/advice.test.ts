// Flags that diagnoses advise exist in `forja train` and give a valid configuration of the system.
import { describe, expect, test } from 'vitest';
import { detectors, type Case } from '../diagnosis/index.js';
import { parseConfig, runEntries } from '../train/config.js';
import { kindOf, systemNames } from '../systems/registry.js';
import { fieldsOf, flagsOf } from './flags.js';

const camel = (flag: string): string => flag.replace(/-(\w)/g, (_, c: string) => c.toUpperCase());

describe.each(systemNames())('of %s', (system) => {
  const entries = { ...runEntries, ...kindOf(system).options };
  const options = new Set(Object.keys(kindOf(system).options));
  const reads = new Set(Object.values(kindOf(system).data));
  const configs: object[] = [{}, ...(options.has('loss') ? [{ loss: 'saturating' }, { loss: 'wasserstein' }] : [])];
  test.each(configs)('%o', (more) => {
    const config = parseConfig({ system, data: 'folder', ...more });
    const at: Case = { blocks: [], start: {}, measures: [], config, options, reads };
    const advised = detectors.flatMap(({ remedies }) => remedies.flatMap(({ flag }) => flag(at) ?? []));
    for (const text of advised) {
      const [flag = '', value = ''] = text.split(' ');
      const known = flagsOf(entries).find(({ flags }) => flags.split(' ')[0] === flag);
      expect(known, text).toBeDefined();
      const number = known?.type === 'number' || known?.type === 'integer';
      const given = known?.type === 'list' ? [value] : number ? Number(value) : value;
      const fields = fieldsOf(entries, { [camel(flag.slice(2))]: given });
      expect(Object.keys(fields), text).toHaveLength(1);
      expect(() => parseConfig({ ...config, ...fields }), text).not.toThrow();
    }
    if (system === 'mlp') expect(advised.length).toBeGreaterThan(5);
  });
});
