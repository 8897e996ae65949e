// Functions of @forja/core/onnx called with what is no model: typed errors that name the function.
import { describe, expect, it } from 'vitest';
import { isForjaError } from '@forja/core';
import * as onnx from '@forja/core/onnx';

type Call = (...given: unknown[]) => unknown;

/** Functions by name, with what they are given beside a model. */
const TAKE_MODELS: Record<string, unknown[]> = {
  checkModel: [],
  encodeModel: [],
  expandWeights: [],
  explainConvolutions: [],
  externalizeModel: [],
  fastConvolutions: [],
  internalizeModel: [new Map()],
  optimizeModel: [],
  roundedTwin: [],
  sealModel: [{}, () => Promise.resolve('')],
  storeWeights: [{ type: 'int8' }],
  toHalf: [],
  weightBytes: [],
};
const TAKE_BYTES = ['decodeModel', 'fastModelBytes', 'halfModelBytes'];
const NO_MODELS: [string, unknown][] = [
  ['null', null],
  ['nothing', undefined],
  ['a number', 7],
  ['a text', 'model.onnx'],
  ['a symbol', Symbol('model')],
  ['a list', [null]],
  ['a function', () => undefined],
  ['a graph that is null', { graph: null }],
  ['a graph without lists', { graph: {} }],
  ['a graph with null in their place', { graph: { nodes: null, inputs: null, outputs: null, initializers: null } }],
];

async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe.each(Object.entries(TAKE_MODELS))('%s', (name, rest) => {
  it.each([...NO_MODELS, ['bytes' as const, new Uint8Array(4)] as [string, unknown]])(
    'refuses %s',
    async (_, given) => {
      const error = await errorOf(() => (onnx as unknown as Record<string, Call>)[name]?.(given, ...rest));
      expect(isForjaError(error) ? error.code : error).toMatch(/^usage$|^model\.(format|truncated)$/);
    },
  );
});

describe.each(TAKE_BYTES)('%s', (name) => {
  it.each(NO_MODELS)('refuses %s', async (_, given) => {
    const error = await errorOf(() => (onnx as unknown as Record<string, Call>)[name]?.(given));
    expect(isForjaError(error) ? error.code : error).toBe('usage');
  });
});

it('refuses options that are none, and says which there are', () => {
  const g = new onnx.GraphBuilder();
  g.output('y', g.op('Relu', [g.input('x', 'float32', [2])]));
  const model = g.build();
  const call =
    (name: string, ...given: unknown[]) =>
    () =>
      (onnx as unknown as Record<string, Call>)[name]?.(...given);
  for (const wrong of [null, 5, []]) {
    expect(() => new onnx.GraphBuilder(wrong as never)).toRefuse('usage', 'GraphBuilder');
    for (const name of ['toHalf', 'storeWeights', 'externalizeModel', 'fastConvolutions'])
      expect(call(name, model, wrong)).toRefuse('usage', name);
  }
  expect(call('storeWeights', model, { type: 'int4' })).toRefuse('usage', 'int8', 'int4');
  expect(call('toHalf', model, { end: 'float16' })).toRefuse('usage', 'ends', 'keep');
  expect(call('internalizeModel', model, {})).toRefuse('usage', 'Map');
  expect([null, 7, undefined].map((given) => onnx.isSafeLocation(given as never))).toEqual([false, false, false]);
});
