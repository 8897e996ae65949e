// What the passes remove and keep. tests/parity/passes.test.ts checks with onnxruntime that results stay equal.
import { expect, test } from 'vitest';
import { GraphBuilder } from '../builder.js';
import { ATTRIBUTE_TYPE, type Attribute, type Graph, type Model, type Node } from '../ir.js';
import { attribute, graph, node } from '../testing/messages.js';
import { mergeTransposes } from './cancel-transposes.js';
import { optimizeModel, PASSES } from './index.js';
import { removeDead } from './remove-dead.js';
import { removeIdentities } from './remove-identities.js';
import { shareInitializers } from './share-initializers.js';

/** Nodes as `Op(inputs) → outputs`. */
const shown = (graph: Graph | undefined): string[] =>
  (graph?.nodes ?? []).map((n) => `${n.opType ?? ''}(${n.inputs.join()})→${n.outputs.join()}`);
const graphOf = (model: Model): Graph => model.graph as Graph; // the builder always writes one
const nchw = [0, 3, 1, 2];
const nhwc = [0, 2, 3, 1];

function built(make: (g: GraphBuilder) => void): Model {
  const g = new GraphBuilder();
  make(g);
  return g.build({ valueInfo: true });
}

/** A node with a subgraph that reads `names`, as If and Loop have. */
function holding(...names: string[]): Attribute {
  const info = (name: string) => ({ name, metadata: [] });
  const inner = node({ opType: 'Sum', inputs: names, outputs: ['inner'] });
  const g = graph({ name: 'body', nodes: [inner], outputs: [info('inner')] });
  return attribute({ name: 'then_branch', type: ATTRIBUTE_TYPE.graph, g });
}

test('identities go, and outputs are made by their producers', () => {
  const model = built((g) => {
    const x = g.input('x', 'float32', [2]);
    const a = g.op('Identity', [g.op('Identity', [g.op('Relu', [g.op('Identity', [x])])])]);
    g.output('y', g.op('Identity', [a]));
    g.output('z', g.op('Neg', [a]));
  });
  const graph = removeIdentities(graphOf(model));
  expect(shown(graph)).toEqual(['Relu(x)→y', 'Neg(y)→z']);
  expect(graph.valueInfo).toEqual([]);
  expect(graph.outputs).toEqual(graphOf(model).outputs);
  expect(removeIdentities(graph)).toBe(graph);
});

test('identities stay where they copy inputs, initializers and outputs to outputs', () => {
  const model = built((g) => {
    const x = g.input('x', 'float32', [2]);
    const y = g.op('Relu', [x]);
    g.output('y', y);
    g.output('again', y);
    g.output('copy', x);
    g.output('constant', g.constant('float32', [1], [1], 'w'));
  });
  expect(removeIdentities(graphOf(model))).toBe(graphOf(model));
});

test('values that subgraphs read keep their names', () => {
  const { graph, ...model } = built((g) => {
    const x = g.input('x', 'float32', [2]);
    const seen = g.op('Identity', [g.op('Relu', [x])]);
    g.output('y', g.op('Neg', [g.op('Identity', [g.op('Abs', [seen])])]));
  });
  const nodes = (graph?.nodes ?? []).map((n) =>
    n.opType === 'Neg' ? { ...n, opType: 'If', attributes: [holding('Identity', 'Relu')] } : n,
  );
  const after = optimizeModel({ ...model, graph: { ...(graph as Graph), nodes } });
  expect(shown(after.graph)).toEqual(['Relu(x)→Relu', 'Identity(Relu)→Identity', 'Abs(Identity)→Abs', 'If(Abs)→y']);
});

test('transposes merge, and those that do nothing go', () => {
  const model = built((g) => {
    const x = g.input('x', 'float32', [1, 2, 3, 4]);
    const a = g.op('Transpose', [x], { perm: nhwc });
    g.output('same', g.op('Transpose', [a], { perm: nchw }));
    g.output('other', g.op('Neg', [g.op('Transpose', [a], { perm: [3, 2, 1, 0] })]));
    g.output('reversed', g.op('Relu', [g.op('Transpose', [g.op('Transpose', [g.op('Abs', [x])])])]));
    g.output('mixed', g.op('Transpose', [g.op('Transpose', [x], { perm: [1, 0, 2, 3] })]));
    g.output('still', g.op('Exp', [g.op('Transpose', [x], { perm: [0, 1, 2, 3] })]));
  });
  const { graph } = optimizeModel(model);
  expect(shown(graph)).toEqual([
    'Identity(x)→same',
    'Transpose(x)→Transpose_2',
    'Neg(Transpose_2)→other',
    'Abs(x)→Abs',
    'Relu(Abs)→reversed',
    'Transpose(x)→mixed',
    'Exp(x)→still',
  ]);
  expect(graph?.nodes.flatMap((n) => n.attributes).map((a) => Array.from(a.ints, Number))).toEqual([
    [1, 3, 2, 0],
    [3, 2, 0, 1],
  ]);
  const half = mergeTransposes(graphOf(model));
  expect(half.nodes).toHaveLength(graphOf(model).nodes.length);
});

test('transposes cancel across element-wise ops, scalars and sums of transposed values', () => {
  const model = built((g) => {
    const [x, z] = [g.input('x', 'float32', ['batch', 2, 3, 4]), g.input('z', 'float32', ['batch', 2, 3, 4])];
    const sum = g.op('Add', [
      g.op('Mul', [g.op('Transpose', [x], { perm: nhwc }), g.constant('float32', [], [2])]),
      g.op('Transpose', [z], { perm: nhwc }),
    ]);
    const y = g.op('Clip', [g.op('LeakyRelu', [sum], { alpha: 0.1 }), g.constant('float32', [], [0])]);
    g.output('a', g.op('Softplus', [g.op('Transpose', [y], { perm: nchw })]));
    g.output('b', g.op('Sqrt', [g.op('Transpose', [y], { perm: nchw })]));
  });
  const { graph } = optimizeModel(model);
  expect(shown(graph)).toEqual([
    'Mul(x,const)→Mul',
    'Add(Mul,z)→Add',
    'LeakyRelu(Add)→LeakyRelu',
    'Clip(LeakyRelu,const_1)→Clip',
    'Softplus(Clip)→a',
    'Sqrt(Clip)→b',
  ]);
  // Their described shapes were those of the transposed values.
  expect(graph?.valueInfo).toEqual([]);
});

test.each<[string, (g: GraphBuilder) => void]>([
  [
    'a reader needs the transposed value',
    (g) => {
      const t = g.op('Relu', [g.op('Transpose', [g.input('x', 'float32', [1, 2, 3, 4])], { perm: nhwc })]);
      g.output('y', g.op('Transpose', [t], { perm: nchw }));
      g.output('z', g.op('Softmax', [t]));
    },
  ],
  [
    'the transposed value is an output',
    (g) => {
      const t = g.op('Relu', [g.op('Transpose', [g.input('x', 'float32', [1, 2, 3, 4])], { perm: nhwc })]);
      g.output('t', t);
      g.output('y', g.op('Transpose', [t], { perm: nchw }));
    },
  ],
  [
    'a vector is added along the last axis',
    (g) => {
      const t = g.op('Transpose', [g.input('x', 'float32', [1, 2, 3, 4])], { perm: nhwc });
      g.output('y', g.op('Transpose', [g.op('Add', [t, g.constant('float32', [2], [1, 2])])], { perm: nchw }));
    },
  ],
  [
    'the other operand is not transposed',
    (g) => {
      const t = g.op('Transpose', [g.input('x', 'float32', [1, 2, 3, 4])], { perm: nhwc });
      g.output('y', g.op('Transpose', [g.op('Add', [t, g.input('z', 'float32', [1, 3, 4, 2])])], { perm: nchw }));
    },
  ],
  [
    'the other operand has another order',
    (g) => {
      const x = g.input('x', 'float32', [2, 2, 2, 2]);
      g.output(
        'y',
        g.op(
          'Transpose',
          [g.op('Add', [g.op('Transpose', [x], { perm: nhwc }), g.op('Transpose', [x], { perm: [3, 2, 1, 0] })])],
          { perm: nchw },
        ),
      );
    },
  ],
  [
    'one both ends the region and begins it again',
    (g) => {
      const t = g.op('Transpose', [g.input('x', 'float32', [3, 3])], { perm: [1, 0] });
      const sum = g.op('Add', [g.op('Transpose', [g.op('Relu', [t])], { perm: [1, 0] }), t]);
      g.output('y', g.op('Transpose', [sum], { perm: [1, 0] }));
    },
  ],
  [
    'the orders do not undo each other',
    (g) => {
      g.output(
        'y',
        g.op(
          'Transpose',
          [g.op('Relu', [g.op('Transpose', [g.input('x', 'float32', [1, 2, 3, 4])], { perm: nhwc })])],
          { perm: nhwc },
        ),
      );
    },
  ],
])('transposes stay where %s', (_, make) => {
  const model = built(make);
  expect(optimizeModel(model)).toBe(model);
});

test('equal initializers are stored once, but inputs and those of other storage are left', () => {
  const { graph, ...model } = built((g) => {
    const x = g.input('x', 'float32', [2]);
    const parts = [
      [1, 2],
      [1, 2],
      [1, 3],
    ].map((data, i) =>
      g.constant(
        'float32',
        [2],
        Float32Array.from(data, (v) => v + (i === 1 ? 10 : 0)),
        `w${i}`,
      ),
    );
    g.output(
      'y',
      parts.reduce((a, b) => g.op('Add', [a, b]), x),
    );
  });
  const [w0, w1, w2] = graph?.initializers ?? [];
  if (graph === undefined || w0 === undefined || w1 === undefined || w2 === undefined)
    throw new Error('expected three');
  const equal = { ...w1, rawData: new Uint8Array(w0.rawData ?? []) };
  const typed = { ...w0, name: 'w2', rawData: undefined as never, floatData: Float32Array.of(1, 2) };
  delete (typed as { rawData?: unknown }).rawData;
  const before = { ...graph, initializers: [w0, equal, typed] };
  const after = shareInitializers(before);
  expect(after.initializers.map((t) => t.name)).toEqual(['w0', 'w2']);
  expect(shown(after)).toEqual(['Add(x,w0)→Add', 'Add(Add,w0)→Add_1', 'Add(Add_1,w2)→y']);
  const asInput = { ...before, inputs: [...before.inputs, { name: 'w1', metadata: [] }] };
  expect(shareInitializers(asInput)).toBe(asInput);
  expect(optimizeModel({ ...model, graph: before }).graph?.initializers).toHaveLength(2);
});

test('what no output needs goes; subgraphs count as readers', () => {
  const { graph } = built((g) => {
    const x = g.input('x', 'float32', [2]);
    g.output('y', g.op('Relu', [g.op('Add', [x, g.constant('float32', [1], [1])])]));
  });
  const call = (opType: string, input: string, output: string): Node =>
    node({ opType, inputs: [input], outputs: [output] });
  const spare = graph?.initializers.map((t) => ({ ...t, name: 'spare' })) ?? [];
  const more = {
    ...(graph as Graph),
    nodes: [call('Neg', 'x', 'unread'), call('Abs', 'unread', 'dead'), ...(graph?.nodes ?? [])],
    initializers: [...(graph?.initializers ?? []), ...spare],
  };
  expect(shown(removeDead(more))).toEqual(shown(graph));
  expect(removeDead(more).initializers).toHaveLength(1);
  const read = {
    ...more,
    nodes: more.nodes.map((n) => (n.opType === 'Relu' ? { ...n, attributes: [holding('dead', 'spare')] } : n)),
  };
  expect(removeDead(read)).toBe(read);
});

test('a model with nothing to do, or no graph, comes back as it is', () => {
  const model = built((g) => g.output('y', g.op('Relu', [g.input('x', 'float32', [2])])));
  expect(optimizeModel(model)).toBe(model);
  const { graph: _, ...empty } = model;
  expect(optimizeModel(empty, PASSES)).toBe(empty);
});
