// Diagrams of graphs: of a file by PyTorch's exporter (tests/vectors/torch_generator.py, with sizes counted by hand),
// and of small graphs with known repeated blocks.
import { readFileSync } from 'node:fs';
import { decodeModel, encodeModel, GraphBuilder, type Value } from '@forja/core/onnx';
import { describe, expect, test } from 'vitest';
import { diagramOf, type Diagram } from './boxes.js';
import { drawGraph } from './draw.js';
import { fold } from './repeats.js';
import { xml } from './svg.js';

const torch = readFileSync(new URL('../../../../tests/vectors/torch-generator.onnx', import.meta.url));

function diagram(bytes: Uint8Array): Diagram {
  const model = decodeModel(bytes);
  return diagramOf(model, model.graph!).diagram;
}

/** `blocks` residual blocks of two layers on [batch, 8], between two other layers. */
function residual(blocks: number, edit: (block: number) => number = () => 8): Uint8Array {
  const g = new GraphBuilder({ name: 'residual' });
  let value = g.input('x', 'float32', ['batch', 4]);
  let made = 0; // equal weights would be shared
  const dense = (from: number, to: number, layer: string, input: Value): Value => {
    g.scope = layer;
    return g.op('Relu', [
      g.op('MatMul', [input, g.constant('float32', [from, to], new Float32Array(from * to).fill(++made))]),
    ]);
  };
  value = dense(4, 8, 'first', value);
  for (let i = 0; i < blocks; i++) {
    const inner = dense(edit(i), 8, `block_${i}/b`, dense(8, edit(i), `block_${i}/a`, value));
    g.scope = `block_${i}/add`;
    value = g.op('Add', [value, inner]);
  }
  g.output('y', dense(8, 3, 'last', value));
  return encodeModel(g.build());
}

describe('a file of PyTorch', () => {
  const { boxes, sources } = diagram(torch);
  const at = (title: string): number => boxes.findIndex((box) => box.title === title);

  test('a box for each layer with its activation, with shapes and parameters', () => {
    expect(boxes.map(({ title, rows, shape, parameters }) => [title, rows.length, shape, parameters])).toEqual([
      ['z', 1, '[batch, 8]', 0],
      ['node_linear', 2, '[batch, 192]', 8 * 192 + 192],
      ['node_view', 1, '[batch, 12, 4, 4]', 0],
      ['node_ConvTranspose_26', 2, '[batch, 10, 8, 8]', 12 * 10 * 16 + 10 + 10], // batch norm folded in; PReLU
      ['node_conv2d', 2, '[batch, 10, 8, 8]', 10 * 10 * 9 + 10],
      ['node_Conv_27', 1, '[batch, 10, 8, 8]', 10 * 10 * 9],
      ['node_add', 1, '[batch, 10, 8, 8]', 0],
      ['node_convolution_1', 2, '[batch, 9, 16, 16]', 10 * 9 * 4],
      ['node_mul_3', 1, '[batch, 9, 16, 16]', 1],
      ['node_convolution_2', 2, '[batch, 3, 32, 32]', 9 * 3 * 16 + 3],
      ['image', 1, '[batch, 3, 32, 32]', 0],
    ]);
    expect(boxes[at('node_ConvTranspose_26')]!.rows.map(({ text }) => text)).toEqual([
      'ConvTranspose 4×4, 12 → 10, stride 2',
      'PRelu',
    ]);
  });

  test('the sum has two sources, and all lines point forward', () => {
    expect(sources[at('node_add')]).toEqual([at('node_ConvTranspose_26'), at('node_Conv_27')]);
    sources.forEach((list, i) => list.forEach((from) => expect(from).toBeLessThan(i)));
  });

  test('is drawn the same every time', async () => {
    const model = decodeModel(torch);
    const draw = (): ReturnType<typeof drawGraph> =>
      drawGraph(model, model.graph!, { title: 't', facts: [['file', 'a<b']], form: 'html', fold: true });
    const first = await draw();
    expect(first.boxes).toBe(11);
    expect(first.text).toContain('<dd>a&lt;b</dd>');
    expect(first.text).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
    expect(await draw()).toEqual(first);
  });
});

describe('repeated blocks', () => {
  test('are drawn once with a count, and all parameters are counted', () => {
    const whole = diagram(residual(5));
    const { boxes, sources, repeats } = fold(whole);
    expect(whole.boxes).toHaveLength(3 + 5 * 3 + 1);
    expect(repeats).toEqual([{ first: 2, length: 3, times: 5 }]);
    expect(boxes.map(({ title }) => title)).toEqual([
      'x',
      'first',
      'block_0/a … block_4/a',
      'block_0/b … block_4/b',
      'block_0/add … block_4/add',
      'last',
      'y',
    ]);
    expect(sources).toEqual([[], [0], [1], [2], [1, 3], [4], [5]]);
    const [repeat] = repeats;
    const inside = (i: number): boolean => i >= repeat!.first && i < repeat!.first + repeat!.length;
    const folded = boxes.reduce((sum, { parameters }, i) => sum + parameters * (inside(i) ? repeat!.times : 1), 0);
    expect(folded).toBe(4 * 8 + 5 * 2 * 64 + 8 * 3);
  });

  test('of different sizes are not folded', () => {
    const { repeats } = fold(diagram(residual(5, (block) => (block === 2 ? 9 : 8))));
    expect(repeats).toEqual([
      { first: 2, length: 3, times: 2 },
      { first: 8, length: 3, times: 2 },
    ]);
  });

  test('with a value that is read from outside are not folded', () => {
    const g = new GraphBuilder({ name: 'skip' });
    const values = [g.input('x', 'float32', ['batch', 4])];
    for (let i = 0; i < 4; i++) {
      g.scope = `layer${i}`;
      values.push(g.op('MatMul', [values[i]!, g.constant('float32', [4, 4], new Float32Array(16).fill(i))]));
    }
    g.scope = 'skip';
    g.output('y', g.op('Add', [values[4]!, values[2]!]));
    const { repeats } = fold(diagram(encodeModel(g.build())));
    expect(repeats).toEqual([]);
  });
});

test('weights that several layers use are counted once', () => {
  const g = new GraphBuilder({ name: 'shared' });
  const weights = g.constant('float32', [4, 4], new Float32Array(16));
  g.scope = 'one';
  const first = g.op('MatMul', [g.input('x', 'float32', ['batch', 4]), weights]);
  g.scope = 'two';
  g.output('y', g.op('MatMul', [first, weights]));
  const { boxes } = diagram(encodeModel(g.build()));
  expect(boxes.map(({ title, parameters, shared }) => [title, parameters, shared])).toEqual([
    ['x', 0, []],
    ['one', 16, []],
    ['two', 0, ['one']],
    ['y', 0, []],
  ]);
});

test('inputs other than tensors are labelled with their type', () => {
  const g = new GraphBuilder();
  g.output('y', g.op('Relu', [g.input('x', 'float32', [4])]));
  const model = g.build();
  const [input] = model.graph!.inputs;
  input!.type = { sequence: { elemType: { tensor: { elemType: 1 } } } };
  const texts = diagramOf(model, model.graph!).diagram.boxes.flatMap(({ rows }) => rows.map(({ text }) => text));
  expect(texts).toContain('input, sequence');
  expect(texts).toContain('output, float32');
});

test('names cannot break out of the document', () => {
  expect(xml('</svg><script>"&\u0000\ud800')).toBe('&lt;/svg&gt;&lt;script&gt;&quot;&amp;\ufffd\ufffd');
});
