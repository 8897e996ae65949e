// Files of other tools: names that mean something in JavaScript, and quantised weights as ONNX defines them.
import { tensor } from '@forja/core';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { afterAll, describe, expect, test } from 'vitest';
import { runtime } from './runtime.js';

const onnx = runtime({ device: 'cpu', threads: 1 });
afterAll(() => onnx.dispose());

/** y = x · x, with an input, an output and a dim of these names. */
function square(input: string, output: string, dim: string): Uint8Array {
  const g = new GraphBuilder();
  const x = g.input(input, 'float32', [dim, 2]);
  g.output(output, g.op('Mul', [x, x]));
  return encodeModel(g.build());
}

const x = tensor('float32', [1, 2], Float32Array.of(2, 3));

test.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'then', 'length', 'a/b', '日本', '‮x'])(
  'inputs, outputs and dims may be called %s',
  async (name) => {
    for (const file of [square(name, 'y', 'batch'), square('x', name, 'batch'), square('x', 'y', name)]) {
      const session = await onnx.createSession(file);
      const [input, output] = [session.inputs[0]?.name ?? '', session.outputs[0]?.name ?? ''];
      const results = await session.run({ [input]: x });
      expect(Object.keys(results)).toEqual([output]);
      expect(Array.from(results[output]?.data as Float32Array)).toEqual([4, 9]);
      await expect(session.run({})).rejects.toRefuse('input.shape', `run.${input}`);
      await session.dispose();
    }
  },
);

test('an input or output called __proto__ is refused', async () => {
  for (const file of [square('__proto__', 'y', 'batch'), square('x', '__proto__', 'batch')])
    await expect(onnx.createSession(file)).rejects.toRefuse('model.unsupported', '__proto__');
});

describe('weights of a DequantizeLinear', () => {
  test('are multiplied by activations in float32', async () => {
    // One row of activations whose 8-bit rounding would show: 0.001 beside 1.
    const [rows, columns, scale] = [64, 32, 0.01];
    const whole = Int8Array.from({ length: rows * columns }, (_, i) => ((i * 37) % 255) - 127);
    const feed = Float32Array.from({ length: rows }, (_, i) => (i === 0 ? 1 : 0.001 + i / 1e5));
    const g = new GraphBuilder();
    const a = g.input('x', 'float32', [1, rows]);
    const numbers = g.op('Cast', [g.constant('int8', [rows, columns], whole)], { to: 1 });
    g.output('y', g.op('MatMul', [a, g.op('Mul', [numbers, g.constant('float32', [], [scale])])]));
    const model = g.build();
    // Cast and Mul as one node. The builder has no DequantizeLinear, because Forja writes none.
    const nodes = model.graph?.nodes ?? [];
    const [cast, times] = ['Cast', 'Mul'].map((op) => nodes.findIndex(({ opType }) => opType === op));
    const [whole8 = ''] = nodes[cast ?? 0]?.inputs ?? [];
    const node = nodes[times ?? 0];
    if (node !== undefined) {
      node.opType = 'DequantizeLinear';
      node.inputs = [whole8, node.inputs[1] ?? ''];
    }
    nodes.splice(cast ?? 0, 1);
    const session = await onnx.createSession(encodeModel(model));
    const { y } = await session.run({ x: tensor('float32', [1, rows], feed) });
    const expected = Array.from({ length: columns }, (_, column) =>
      feed.reduce((sum, value, row) => sum + value * Math.fround(scale) * (whole[row * columns + column] ?? 0), 0),
    );
    expect(Array.from(y?.data as Float32Array)).toBeAllclose(expected, { rtol: 1e-5, atol: 1e-6 });
    await session.dispose();
  });
});
