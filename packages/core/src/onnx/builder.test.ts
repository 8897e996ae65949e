// The builder: names, constants, attribute types, opset variants, outputs, pruning, dynamic sizes, errors. Numbers are
// checked by onnxruntime in tests/parity.
import { expect, test } from 'vitest';
import { utf8 } from '../platform.js';
import { GraphBuilder } from './builder.js';
import type { Model, Node } from './ir.js';

const nodesOf = (model: Model): Node[] => model.graph?.nodes ?? [];
const outputShape = (model: Model, i = 0): unknown[] =>
  model.graph?.outputs[i]?.type?.tensor?.shape?.dims.map((d) => d.value ?? d.param) ?? [];

/** A model of one op. */
function single(opset: number, make: (g: GraphBuilder) => void): Model {
  const g = new GraphBuilder({ opset });
  make(g);
  return g.build();
}

test('names nodes after their scope and keeps them unique', () => {
  const g = new GraphBuilder({ name: 'net' });
  const x = g.input('x', 'float32', ['batch', 3]);
  g.scope = 'conv_1';
  const a = g.op('Relu', [x]);
  const b = g.op('Relu', [a]);
  const [k] = g.ops('TopK', [b, g.constant('int64', [1], [1])], { axis: 1 }, 2);
  g.scope = '';
  const c = g.op('Relu', [k]);
  g.output('y', c);
  const model = g.build();
  expect(nodesOf(model).map((n) => n.name)).toEqual(['conv_1/Relu', 'conv_1/Relu_1', 'conv_1/TopK', 'Relu']);
  expect(nodesOf(model).map((n) => n.outputs)).toEqual([
    ['conv_1/Relu'],
    ['conv_1/Relu_1'],
    ['conv_1/TopK/0', 'conv_1/TopK/1'],
    ['y'],
  ]);
  expect(c.name).toBe('y');
  expect(model.graph?.name).toBe('net');
});

test('stores equal constants once, and only those that are needed', () => {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', [2]);
  const one = g.constant('float32', [2], [1, 2], 'weights');
  expect(g.constant('float32', [2], Float32Array.of(1, 2), 'other')).toBe(one);
  expect(g.constant('float32', [1, 2], [1, 2])).not.toBe(one);
  expect(g.constant('int32', [2], [1, 2])).not.toBe(one);
  expect(g.constant('float32', [], [-0])).not.toBe(g.constant('float32', [], [0]));
  g.output('y', g.op('Add', [g.op('Mul', [x, one]), one]));
  const [stored, ...none] = g.build().graph?.initializers ?? [];
  expect(none).toEqual([]);
  expect(stored).toMatchObject({ name: 'weights', dims: [2n], dataType: 1 });
  expect([...(stored?.rawData ?? [])]).toEqual([0, 0, 128, 63, 0, 0, 0, 64]);
});

test('copies constant data, converts numbers, and refuses what does not fit', () => {
  const g = new GraphBuilder();
  const data = Float32Array.of(1);
  g.output('f', g.op('Identity', [g.constant('float32', [1], data)]));
  data[0] = 2;
  g.output('h', g.op('Identity', [g.constant('float16', [5], [1, -2, 65504, 1e9, 6e-8])]));
  g.output('i', g.op('Identity', [g.constant('int64', [2], [-1, 2 ** 40])]));
  g.output('b', g.op('Identity', [g.constant('bool', [2], [1, 0])]));
  const [f, h, i, b] = (g.build().graph?.initializers ?? []).map(
    (t) => t.rawData?.slice().buffer ?? new ArrayBuffer(0),
  );
  expect([...new Float32Array(f ?? [])]).toEqual([1]);
  expect([...new Uint16Array(h ?? [])]).toEqual([0x3c00, 0xc000, 0x7bff, 0x7c00, 0x0001]);
  expect([...new BigInt64Array(i ?? [])]).toEqual([-1n, 2n ** 40n]);
  expect([...new Uint8Array(b ?? [])]).toEqual([1, 0]);
  expect(() => g.constant('int32', [1], [0.5])).toRefuse('usage', 'int32', '0.5');
  expect(() => g.constant('uint8', [1], [256])).toRefuse('usage', 'uint8', '256');
  expect(() => g.constant('float32', [2], [1])).toRefuse('usage', '[2]', 'got 1');
  expect(() => g.constant('float32', [1], Int32Array.of(1))).toRefuse('usage', 'Float32Array', 'Int32Array');
});

test('types attributes by their name, not by their value', () => {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', [1, 2, 4, 4]);
  const y = g.op('LeakyRelu', [g.op('Cast', [x], { to: 1 })], { alpha: 1 });
  g.output('y', g.op('MaxPool', [y], { kernel_shape: [2, 2], auto_pad: 'VALID', ceil_mode: 0 }));
  const [cast, leaky, pool] = nodesOf(g.build()).map((n) => n.attributes);
  expect(cast).toMatchObject([{ name: 'to', type: 2, i: 1n }]);
  expect(leaky).toMatchObject([{ name: 'alpha', type: 1, f: 1 }]);
  expect(pool).toMatchObject([
    { name: 'kernel_shape', type: 7, ints: BigInt64Array.of(2n, 2n) },
    { name: 'auto_pad', type: 3, s: utf8('VALID') },
    { name: 'ceil_mode', type: 2, i: 0n },
  ]);
  expect(() => g.op('Softmax', [x], { axis: 0.5 })).toRefuse('usage', 'Softmax', 'axis', '0.5');
  expect(() => g.op('Relu', [x], { nope: 1 } as never)).toRefuse('usage', 'Relu', 'nope');
});

test('writes the form that each opset wants', () => {
  const reduce = (opset: number): Model =>
    single(opset, (g) =>
      g.output(
        'y',
        g.op('ReduceMean', [g.input('x', 'float32', [2, 3]), g.constant('int64', [1], [1])], { keepdims: 0 }),
      ),
    );
  expect(nodesOf(reduce(17))[0]).toMatchObject({
    inputs: ['x'],
    attributes: [{ name: 'keepdims' }, { name: 'axes', ints: BigInt64Array.of(1n) }],
  });
  expect(reduce(17).graph?.initializers).toEqual([]);
  expect(nodesOf(reduce(18))[0]?.inputs).toEqual(['x', 'const']);
  const split = (opset: number, size: number): Model =>
    single(opset, (g) =>
      g.ops('Split', [g.input('x', 'float32', [size])], {}, 2).forEach((v, i) => g.output(`y${i}`, v)),
    );
  expect(nodesOf(split(17, 4))[0]).toMatchObject({ inputs: ['x'], attributes: [] });
  expect(nodesOf(split(17, 5))[0]?.inputs).toEqual(['x', 'const']);
  expect(nodesOf(split(18, 5))[0]).toMatchObject({ inputs: ['x'], attributes: [{ name: 'num_outputs', i: 2n }] });
  expect([17, 18, 19, 20, 21, 22].map((o) => reduce(o).irVersion)).toEqual([8n, 8n, 9n, 9n, 10n, 10n]);
  expect(reduce(22).opsetImport).toEqual([{ domain: '', version: 22n }]);
  const x = (g: GraphBuilder) => g.input('x', 'float32', [2]);
  expect(() => single(19, (g) => g.output('y', g.op('Gelu', [x(g)])))).toRefuse('usage', 'Gelu', '20', '19');
  expect(() => single(17, (g) => g.output('y', g.op('Mish', [x(g)])))).toRefuse('usage', 'Mish', '18', '17');
  expect(() =>
    single(18, (g) => g.output('y', g.op('Pad', [x(g), g.constant('int64', [2], [1, 1])], { mode: 'wrap' }))),
  ).toRefuse('usage', 'Pad.mode wrap', '19', '18');
  expect(() => new GraphBuilder({ opset: 16 })).toRefuse('usage', 'opset', '17-22', '16');
});

test('renames producers for outputs, and adds an Identity only where it must', () => {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', [2]);
  const w = g.constant('float32', [2], [1, 2], 'w');
  const y = g.op('Relu', [x], {});
  g.output('y', y);
  const z = g.op('Neg', [y]);
  g.output('w', z);
  g.output('again', y);
  g.output('copy', x);
  g.output('weights', w);
  const model = g.build();
  expect(nodesOf(model).map((n) => [n.opType, n.inputs.join(), n.outputs.join()])).toEqual([
    ['Relu', 'x', 'y'],
    ['Neg', 'y', 'w'],
    ['Identity', 'y', 'again'],
    ['Identity', 'x', 'copy'],
    ['Identity', 'w_1', 'weights'],
  ]);
  expect(model.graph?.initializers.map((t) => t.name)).toEqual(['w_1']);
  expect(() => g.output('y', z)).toRefuse('usage', 'output y');
  expect(() => g.output('x', z)).toRefuse('usage', 'output x');
  expect(() => g.output('v', new GraphBuilder().input('x', 'float32', [2]))).toRefuse('usage', 'output v', "'x'");
});

test('leaves out what no output needs, but no input', () => {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', [1, 1, 4, 4]);
  g.input('unused', 'float32', []);
  g.op('Exp', [g.op('Add', [x, g.constant('float32', [], [3])])]);
  const [pooled] = g.ops('MaxPool', [x], { kernel_shape: [2, 2] }, 2);
  g.output('y', pooled as NonNullable<typeof pooled>);
  const model = g.build();
  expect(nodesOf(model)).toHaveLength(1);
  expect(nodesOf(model)[0]?.outputs).toEqual(['y']);
  expect(model.graph?.initializers).toEqual([]);
  expect(model.graph?.inputs.map((i) => i.name)).toEqual(['x', 'unused']);
  expect(model.graph?.valueInfo).toEqual([]);
  expect(() => new GraphBuilder().build()).toRefuse('usage', 'graph graph');
});

test('dynamic sizes survive shape arithmetic', () => {
  const g = new GraphBuilder();
  const int64s = (...values: number[]) => g.constant('int64', [values.length], values);
  const x = g.input('x', 'float32', ['batch', 'h', 4, 6]);
  const shape = g.op('Shape', [x]);
  expect(shape.shape).toEqual([4]);
  const batch = g.op('Gather', [shape, g.constant('int64', [], [0])]);
  const h = g.op('Slice', [shape, int64s(1), int64s(2)]);
  const target = g.op('Concat', [g.op('Unsqueeze', [batch, int64s(0)]), g.op('Mul', [h, int64s(2)]), int64s(-1)], {
    axis: 0,
  });
  const folded = g.op('Reshape', [x, target]);
  expect(folded.shape).toEqual(['batch', '2*h', 12]);
  expect(g.op('Reshape', [folded, int64s(0, -1)]).shape).toEqual(['batch', '24*h']);
  expect(g.op('Reshape', [x, int64s(-1, 4)]).shape).toEqual(['6*batch*h', 4]);
  expect(g.op('Flatten', [x], { axis: 2 }).shape).toEqual(['batch*h', 24]);
  expect(
    g.op('Expand', [g.constant('float32', [], [0]), g.op('Sub', [g.op('Add', [shape, int64s(1)]), int64s(1)])]).shape,
  ).toEqual(['batch', 'h', 4, 6]);
  expect(g.op('Range', [g.constant('int64', [], [0]), batch, g.constant('int64', [], [1])]).shape).toEqual(['batch']);
  expect(
    g.op('Tile', [x, g.op('Concat', [int64s(3, 1, 1), g.op('Reshape', [batch, int64s(1)])], { axis: 0 })]).shape,
  ).toEqual(['3*batch', 'h', 4, '6*batch']);
  const other = g.input('other', 'float32', ['n', 1, 4, 6]);
  expect(g.op('Add', [x, other]).shape).toEqual(['unk_0', 'h', 4, 6]);
  expect(g.op('Reshape', [x, g.input('shape', 'int64', [2])]).shape).toEqual(['unk_1', 'unk_2']);
  const conv = g.op('MaxPool', [g.op('Transpose', [x], { perm: [0, 2, 1, 3] })], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  });
  expect(conv.shape).toEqual(['batch', 4, 'floor((h - 1)/2) + 1', 3]);
  g.output('y', conv);
  expect(outputShape(g.build())).toEqual(['batch', 4n, 'floor((h - 1)/2) + 1', 3n]);
});

test('the same calls give the same model', () => {
  const make = (): Model =>
    single(21, (g) => {
      g.scope = 'a';
      const x = g.input('x', 'float32', ['batch', 2]);
      g.output('y', g.op('Gemm', [x, g.constant('float32', [2, 2], [1, 2, 3, 4]), g.constant('float32', [2], [0, 1])]));
    });
  expect(make()).toEqual(make());
  const g = new GraphBuilder();
  g.output('y', g.op('Abs', [g.op('Neg', [g.input('x', 'float32', ['n'])])]));
  expect(g.build()).toEqual(g.build());
  const model = g.build({ producerName: 'p', producerVersion: '1', metadata: { b: '1', a: '2' }, valueInfo: true });
  expect(model).toMatchObject({
    producerName: 'p',
    producerVersion: '1',
    metadata: [
      { key: 'b', value: '1' },
      { key: 'a', value: '2' },
    ],
  });
  expect(model.graph?.valueInfo).toMatchObject([{ name: 'Neg', type: { tensor: { elemType: 1 } } }]);
});

test('says what is wrong with a node, and where', () => {
  const g = new GraphBuilder();
  g.scope = 'conv_1';
  const x = g.input('x', 'float32', [1, 3, 8, 8]);
  const weights = g.constant('float32', [4, 2, 3, 3], new Float32Array(72));
  expect(() => g.op('Conv', [x, weights])).toRefuse('usage', 'conv_1/Conv', '[4, 2, 3, 3]', 'got 3');
  expect(() => g.op('Add', [x, g.constant('int64', [], [1])])).toRefuse('usage', 'conv_1/Add', 'float32, int64');
  expect(() => g.op('Add', [x, g.constant('float32', [5], [1, 2, 3, 4, 5])])).toRefuse(
    'usage',
    'conv_1/Add',
    '[1, 3, 8, 8]',
    '[5]',
  );
  expect(() => g.op('Add', [x])).toRefuse('usage', 'conv_1/Add', /2 inputs.*1/);
  expect(() => g.op('Reshape', [x, g.constant('int64', [1], [7])])).toRefuse('usage', 'conv_1/Reshape', '192', '7');
  expect(() => g.op('ReduceSum', [x, g.input('axes', 'int64', [1])])).toRefuse('usage', 'conv_1/ReduceSum', 'input 1');
  expect(() =>
    g.ops('BatchNormalization', [x, ...[1, 2, 3, 4].map((i) => g.constant('float32', [3], [i, i, i]))], {}, 3),
  ).toRefuse('usage', 'conv_1/BatchNormalization', /3 outputs.*1/);
  expect(() => g.input('x', 'float32', [])).toRefuse('usage', 'input x', "'x'");
  expect(() => g.input('y', 'float32', [-1])).toRefuse('usage', 'input y', '-1');
});
