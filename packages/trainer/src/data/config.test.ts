// Data configurations: defaults, names and paths, earlier formats, refusals, and help for flags.
import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { dataKinds, parseData } from './config.js';

describe('parseData', () => {
  it('knows names, treats other words as paths, and fills in defaults', () => {
    const pictures = { fit: 'crop', alpha: 'over', background: '#ffffff', flip: false, holdout: 0 };
    expect(parseData('photos')).toEqual({ kind: 'folder', path: 'photos', classes: true, ...pictures });
    expect(parseData('toString')).toMatchObject({ kind: 'folder', path: 'toString' });
    expect(parseData('mnist')).toEqual({ kind: 'mnist' });
    expect(parseData('grid')).toEqual({ kind: 'synthetic', shape: 'grid', deviation: 0.02, count: 20_000, seed: 0 });
    expect(parseData({ kind: 'pairs', path: 'x', size: [48, 64] })).toEqual({
      kind: 'pairs',
      path: 'x',
      input: 'input',
      target: 'target',
      size: [48, 64],
      ...pictures,
    });
  });

  it('reads what runs of earlier versions saved', () => {
    for (const old of [
      { kind: 'idx', path: 'a' },
      { kind: 'folder', path: 'a' },
      { kind: 'mnist' },
      { kind: 'synthetic', shape: 'ring', modes: 4, deviation: 0.02, count: 100, seed: 0 },
    ])
      expect(parseData(old)).toMatchObject(old);
    const parsed = parseData({ kind: 'captions', path: 'a' });
    expect(parseData(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
  });

  it.each([
    ['', ['data: ']],
    [{ kind: 'folders', path: 'a' }, ['data.kind: ']],
    [{ kind: 'folder' }, ['data.path: ', 'got nothing']],
    [{ kind: 'folder', path: 'a', size: [0, 1] }, ['data.size']],
    [{ kind: 'folder', path: 'a', channels: 2 }, ['data.channels: ', 'got 2']],
    [{ kind: 'folder', path: 'a', background: 'red' }, ['data.background: ', 'got ']],
    [{ kind: 'folder', path: 'a', holdout: 1 }, ['data.holdout: ', 'got 1']],
    [{ kind: 'mnist', size: 3 }, ['data.size: expected no such field']],
    [{ kind: 'captions', path: 'a', words: 0 }, ['data.words: ', 'got 0']],
    [3, ['data: ', 'got 3']],
  ])('refuses %j', (input, line) => {
    expect(() => parseData(input)).toRefuse('config.invalid', ...line);
  });
});

describe('dataKinds', () => {
  it('has a line of help for every kind and option', () => {
    for (const [kind, { summary, options }] of Object.entries(dataKinds)) {
      expect([kind, summary]).toEqual([kind, expect.stringMatching(/\w/)]);
      for (const [name, option] of Object.entries(options))
        expect([kind, name, v.getDescription(option as v.GenericSchema)]).toEqual([
          kind,
          name,
          expect.stringMatching(/\w/),
        ]);
    }
    expect(Object.keys(dataKinds)).toContain('folder');
  });
});
