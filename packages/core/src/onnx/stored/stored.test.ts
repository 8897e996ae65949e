// Weights in 8 and 16 bits against numpy (tests/vectors/stored_weights.py), and back.
import { expect, test } from 'vitest';
import { fromBase64, readVectors, type Vector } from '../../../../../tests/vectors/read.mjs';
import { attribute } from '../build/attributes.js';
import { DATA_TYPE, type Model } from '../ir.js';
import { GraphBuilder } from '../builder.js';
import { decodeModel } from '../deserialize.js';
import { floatsOf } from '../facts/tensors.js';
import { expandWeights } from './expand.js';
import { storeWeights, type WeightStorage } from './store.js';

interface Form {
  q: string;
  scale?: Vector;
  zero?: Vector;
  floats: Vector;
}
interface Case extends Record<'int8' | 'uint8' | 'fp16', Form> {
  axis: number;
  weights: Vector;
}
const vectors = readVectors('stored-weights') as {
  cases: Record<'Conv' | 'ConvTranspose' | 'MatMul', Case>;
  grids: Record<'uint8' | 'uint16' | 'float16', Vector>;
  dequantized: { model: string; weights: Record<string, Vector> };
};

/** A model that multiplies a picture, or a row, with `weights`. */
function model(op: 'Conv' | 'ConvTranspose' | 'MatMul', { shape, data }: Vector): Model {
  const g = new GraphBuilder();
  const [first = 0, second = 0] = shape;
  const x = g.input('x', 'float32', op === 'MatMul' ? [1, first] : [1, op === 'Conv' ? second : first, 8, 8]);
  const w = g.constant('float32', shape, data, 'w');
  g.output('y', g.op(op, [x, w]));
  return g.build();
}

const initializer = (from: Model, name: string) => from.graph?.initializers.find((tensor) => tensor.name === name);
const floats = (from: Model, name: string) => floatsOf(initializer(from, name));

for (const [op, found] of Object.entries(vectors.cases) as [keyof typeof vectors.cases, Case][])
  for (const type of ['int8', 'uint8', 'fp16'] as const)
    test(`${op} in ${type}: numpy's whole numbers, scales and floats`, () => {
      const plain = model(op, found.weights);
      const { model: stored, weights } = storeWeights(plain, { type, least: 64 });
      const written = type === 'fp16' ? 'float16' : type;
      expect(weights).toMatchObject([{ name: 'w', type: written, exact: false, shape: found.weights.shape }]);
      expect(weights[0]?.axis).toBe(type === 'fp16' ? undefined : found.axis);
      const { q, scale, zero, floats: wanted } = found[type];
      expect(initializer(stored, `w/${written}`)?.rawData).toEqual(fromBase64(q));
      if (scale !== undefined) expect(floats(stored, 'w/scale')).toEqual(scale.data);
      if (zero?.data.some((z) => z !== 0)) expect(floats(stored, 'w/zero')).toEqual(zero.data);
      const back = expandWeights(stored);
      expect(floats(back, 'w')).toEqual(wanted.data);
      expect(back.graph?.nodes).toEqual(plain.graph?.nodes);
      expect(back.graph?.initializers).toHaveLength(1);
    });

test.each([
  ['uint8', ['int8', 'uint8', 'exact'], 4],
  ['uint16', ['exact'], 2],
  ['float16', ['fp16', 'exact'], 2],
] as const)('numbers that are %s already are stored as they are', (grid, types, times) => {
  const given = vectors.grids[grid];
  for (const type of types) {
    const { model: stored, weights } = storeWeights(model('Conv', given), { type: type as WeightStorage, least: 64 });
    expect(weights).toMatchObject([{ type: grid, exact: true }]);
    expect(initializer(stored, `w/${grid}`)?.rawData).toHaveLength((4 * given.data.length) / times);
    const back = floats(expandWeights(stored), 'w') ?? [];
    const most = given.data.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const worst = given.data.reduce((a, b, i) => Math.max(a, Math.abs(b - (back[i] ?? NaN))), 0);
    expect(worst / most).toBeLessThan(grid === 'float16' ? 1e-30 : 3e-7);
  }
});

test('what is not on a grid is left as it is by exact', () => {
  const plain = model('Conv', vectors.cases.Conv.weights);
  const { model: same, weights } = storeWeights(plain, { type: 'exact', least: 64 });
  expect(same).toBe(plain);
  expect(weights).toEqual([]);
});

test("DequantizeLinear and Cast of other tools' weights become the floats of onnx's reference", () => {
  const { model: bytes, weights } = vectors.dequantized;
  const expanded = expandWeights(decodeModel(fromBase64(bytes)));
  expect(expanded.graph?.nodes.map(({ opType }) => opType)).toEqual([
    'Conv',
    'GlobalAveragePool',
    'Flatten',
    'MatMul',
    'MatMul',
  ]);
  for (const [name, { data }] of Object.entries(weights)) expect(floats(expanded, name)).toEqual(data);
});

test('a model whose values are quantised too keeps its operators', () => {
  const g = new GraphBuilder();
  g.output('y', g.op('Relu', [g.input('x', 'float32', [1])]));
  const built = g.build();
  const quantised = {
    ...built,
    graph: {
      ...built.graph!,
      nodes: built.graph!.nodes.map((node) => ({ ...node, opType: 'QuantizeLinear' })),
    },
  };
  expect(expandWeights(quantised)).toBe(quantised);
});

test('Constant nodes are stored as initializers are, and inputs that hold defaults are no inputs any more', () => {
  const found = vectors.cases.Conv;
  const plain = model('Conv', found.weights);
  const graph = plain.graph;
  if (graph === undefined) throw new Error('no graph');
  const [w] = graph.initializers;
  const old: Model = {
    ...plain,
    irVersion: 3n,
    graph: { ...graph, inputs: [...graph.inputs, { name: 'w', type: {}, metadata: [] }] },
  };
  const { model: stored } = storeWeights(old, { type: 'int8', least: 64 });
  expect(stored.irVersion).toBe(4n);
  expect(stored.graph?.inputs.map(({ name }) => name)).toEqual(['x']);
  const value = { name: 'value', type: 4, t: w, floats: new Float32Array(0), ints: new BigInt64Array(0) };
  const constant = { opType: 'Constant', inputs: [], outputs: ['w'], attributes: [value], metadata: [] };
  const inNode = { ...plain, graph: { ...graph, initializers: [], nodes: [constant as never, ...graph.nodes] } };
  const { model: moved } = storeWeights(inNode, { type: 'int8', least: 64 });
  expect(moved.graph?.nodes.map(({ opType }) => opType)).toEqual(['Cast', 'Mul', 'Conv']);
  expect(floats(expandWeights(moved), 'w')).toEqual(found.int8.floats.data);
});

test.each([
  [
    'quantised already',
    () => storeWeights(model('Conv', vectors.cases.Conv.weights), { type: 'int8', least: 64 }).model,
  ],
  [
    'half precision',
    () => {
      const plain = model('Conv', vectors.cases.Conv.weights);
      return {
        ...plain,
        graph: {
          ...plain.graph!,
          initializers: plain.graph!.initializers.map((tensor) => ({ ...tensor, dataType: DATA_TYPE.float16 })),
        },
      };
    },
  ],
  ['external file', () => external()],
  ['without any of 64 numbers', () => model('Conv', { shape: [1, 1, 3, 3], data: new Float32Array(9) })],
])('refuses a model with what is: %s', (what, make) => {
  expect(() => storeWeights(make(), { type: 'int8', least: 64 })).toThrow(
    expect.objectContaining({ code: 'model.unsupported', message: expect.stringContaining(what) as string }),
  );
});

test('a weight that only a branch reads is expanded', () => {
  const { model: stored } = storeWeights(model('MatMul', vectors.cases.MatMul.weights), { type: 'int8', least: 64 });
  const graph = stored.graph!;
  const product = graph.nodes.at(-1)!;
  const [output] = graph.outputs;
  const branch = { ...graph, nodes: [product], inputs: [], initializers: [], outputs: [output!] };
  const choice = { ...product, opType: 'If', inputs: ['x'], outputs: [output!.name ?? ''] };
  const branches = ['then_branch', 'else_branch'].map((name) => ({
    ...attribute('Cast', 'to', 1),
    name,
    type: 5,
    i: undefined,
    g: branch,
  }));
  const chosen = {
    ...stored,
    graph: { ...graph, nodes: [...graph.nodes.slice(0, -1), { ...choice, attributes: branches }] },
  };
  expect(floats(expandWeights(chosen as unknown as Model), 'w')).toBeDefined();
});

function external(): Model {
  const plain = model('Conv', vectors.cases.Conv.weights);
  return {
    ...plain,
    graph: {
      ...plain.graph!,
      initializers: plain.graph!.initializers.map((tensor) => ({
        ...tensor,
        externalData: [{ key: 'location', value: 'weights.bin' }],
        dataLocation: 1,
      })),
    },
  };
}
