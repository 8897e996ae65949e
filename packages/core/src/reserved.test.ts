// Fields that schema checks would skip.
import { expect, test } from 'vitest';
import { refuseReserved } from './reserved.js';

test('names each reserved field of plain objects and lists, in any depth', () => {
  const parsed: unknown = JSON.parse(
    '{ "a": { "__proto__": 1 }, "b": [{ "prototype": 2 }], "constructor": 3, "c": 4 }',
  );
  expect(() => refuseReserved('config', parsed, 'config.invalid')).toRefuse(
    'config.invalid',
    'config.a.__proto__: ',
    'config.b.0.prototype: ',
    'config.constructor: ',
  );
});

test('leaves values, inherited fields, cycles and objects of a class alone', () => {
  class Model {
    readonly layers: unknown[] = [{ constructor: 1 }];
  }
  const cyclic: Record<string, unknown> = { model: new Model(), data: Float32Array.of(1), made: Object.create(null) };
  cyclic['self'] = cyclic;
  for (const value of [cyclic, {}, [], null, undefined, 'constructor', 7])
    expect(() => refuseReserved('x', value)).not.toThrow();
});
