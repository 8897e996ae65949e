// Each rule of the structural check: a valid model passes; with one fault, the error names the place and the
// values expected and found.
import { describe, expect, test } from 'vitest';
import { utf8 } from '../platform.js';
import { checkModel } from './check.js';
import { isSafeLocation } from './external-data.js';
import {
  ATTRIBUTE_TYPE,
  DATA_TYPE,
  type Attribute,
  type Graph,
  type Model,
  type ModelFunction,
  type Node,
  type TensorProto,
  type ValueInfo,
} from './ir.js';
import { encodeModel } from './serialize.js';
import * as messages from './testing/messages.js';

const tensor = (fields: Partial<TensorProto> = {}): TensorProto =>
  messages.tensor({ name: 'w', dims: [2n], dataType: DATA_TYPE.float32, ...fields });
const attribute = (fields: Partial<Attribute>): Attribute => messages.attribute({ name: 'a', ...fields });
const node = (fields: Partial<Node>): Node =>
  messages.node({ opType: 'Relu', inputs: ['x'], outputs: ['y'], ...fields });
const value = (name: string, ...dims: (bigint | string)[]): ValueInfo => ({
  name,
  metadata: [],
  type: {
    tensor: {
      elemType: DATA_TYPE.float32,
      shape: { dims: dims.map((d) => (typeof d === 'string' ? { param: d } : { value: d })) },
    },
  },
});
const graph = (fields: Partial<Graph> = {}): Graph =>
  messages.graph({
    name: 'g',
    nodes: [node({})],
    inputs: [value('x', 'n', 2n)],
    outputs: [value('y', 'n', 2n)],
    ...fields,
  });
const fun = (fields: Partial<ModelFunction> = {}): ModelFunction => ({
  name: 'F',
  domain: 'd',
  inputs: ['x'],
  outputs: ['y'],
  attributes: [],
  attributeProtos: [],
  nodes: [node({})],
  opsetImport: [{ version: 21n }],
  valueInfo: [],
  metadata: [],
  ...fields,
});
const model = (g: Partial<Graph> = {}, fields: Partial<Model> = {}): Model =>
  messages.model({ irVersion: 10n, opsetImport: [{ version: 21n }], graph: graph(g), ...fields });
const withAttribute = (fields: Partial<Attribute>): Model =>
  model({ nodes: [node({ attributes: [attribute(fields)] })] });
const weights = (fields: Partial<TensorProto>): Model => model({ initializers: [tensor(fields)] });
const inner = (fields: Partial<Graph> = {}): Partial<Attribute> => ({
  type: ATTRIBUTE_TYPE.graph,
  g: graph({ inputs: [], nodes: [node({ outputs: ['z'] })], outputs: [value('z')], ...fields }),
});

function nested(depth: number): Graph {
  let at = graph({ inputs: [], nodes: [], outputs: [value('x')] });
  for (let i = 0; i < depth; i++)
    at = graph({
      inputs: [],
      outputs: [value('x')],
      nodes: [node({ outputs: ['v'], attributes: [attribute({ type: ATTRIBUTE_TYPE.graph, g: at })] })],
    });
  return { ...at, inputs: [value('x')] };
}

describe('sound models pass', () => {
  test.each<[string, Model | Uint8Array]>([
    ['a node between input and output', model()],
    ['its bytes', encodeModel(model())],
    [
      'an input with a default',
      model({ inputs: [value('x', 2n)], initializers: [tensor({ name: 'x', floatData: Float32Array.of(1, 2) })] }),
    ],
    ['omitted inputs and outputs', model({ nodes: [node({ inputs: ['x', '', 'x'], outputs: ['', 'y', ''] })] })],
    ['a subgraph that reads outer values and shadows none', withAttribute(inner())],
    [
      'a function with an attribute reference',
      model(
        { nodes: [node({ opType: 'F', domain: 'd' })] },
        {
          opsetImport: [{ version: 21n }, { domain: 'd', version: 1n }],
          functions: [fun({ attributes: ['k'], nodes: [node({ attributes: [attribute({ refAttrName: 'k' })] })] })],
        },
      ),
    ],
    ['the other name of the default domain', model({ nodes: [node({ domain: 'ai.onnx' })] })],
    ['IR version 1 without operator sets', model({}, { irVersion: 1n, opsetImport: [] })],
    ['zero of a number that was left out', withAttribute({ type: ATTRIBUTE_TYPE.int })],
    ['raw data', weights({ rawData: new Uint8Array(8) })],
    ['an empty tensor', weights({ dims: [0n, 3n] })],
    ['a scalar', weights({ dims: [], rawData: new Uint8Array(4) })],
    ['texts', weights({ dataType: DATA_TYPE.string, stringData: [utf8('a'), utf8('')] })],
    ['half precision as integers', weights({ dataType: DATA_TYPE.float16, int32Data: Int32Array.of(1, 2) })],
    ['complex numbers', weights({ dataType: DATA_TYPE.complex64, floatData: Float32Array.of(1, 2, 3, 4) })],
    ['three 4-bit numbers in two bytes', weights({ dims: [3n], dataType: DATA_TYPE.int4, rawData: new Uint8Array(2) })],
    ['five 2-bit numbers in two bytes', weights({ dims: [5n], dataType: DATA_TYPE.uint2, rawData: new Uint8Array(2) })],
    [
      'external data',
      weights({
        dataLocation: 1,
        externalData: [
          { key: 'location', value: 'weights/a.bin' },
          { key: 'offset', value: '4096' },
          { key: 'length', value: '8' },
        ],
      }),
    ],
    ['33 subgraphs in each other', model({}, { graph: nested(33) })],
    [
      'a training graph that reads the main one',
      model(
        { initializers: [tensor({ rawData: new Uint8Array(8) })] },
        {
          trainingInfo: [
            {
              algorithm: graph({
                inputs: [],
                nodes: [node({ inputs: ['w'], outputs: ['new'] })],
                outputs: [value('new')],
              }),
              initializationBinding: [],
              updateBinding: [],
            },
          ],
        },
      ),
    ],
  ])('%s', (_, sound) => {
    expect(() => checkModel(sound)).not.toThrow();
  });
});

describe('faults are named', () => {
  /** What the message contains: its path, the values expected and found; and the model. */
  test.each<[string[], Model]>([
    [
      ["graph.node[1] (Conv 'conv_1').attribute['pads']: ", 'ints'],
      model({
        nodes: [
          node({}),
          node({
            opType: 'Conv',
            name: 'conv_1',
            outputs: ['z'],
            attributes: [attribute({ name: 'pads', type: ATTRIBUTE_TYPE.ints, f: 1 })],
          }),
        ],
      }),
    ],
    [['ir_version: ', '1', '14'], (({ irVersion: _, ...rest }) => rest)(model())],
    [['graph: ', 'got none'], (({ graph: _, ...rest }) => rest)(model())],
    [['opset_import: ', 'got none'], model({}, { opsetImport: [] })],
    [['opset_import[0].version: ', '1', 'got 0'], model({}, { opsetImport: [{ version: 0n }] })],
    [['opset_import: ', "''"], model({}, { opsetImport: [{ version: 1n }, { domain: 'ai.onnx', version: 2n }] })],
    [['graph.node[0] (Relu): ', 'com.x', 'opset_import', "got ''"], model({ nodes: [node({ domain: 'com.x' })] })],
    [['graph.node[0] (): ', 'op_type'], model({ nodes: [node({ opType: '' })] })],
    [['graph.node[0] (Relu).input[0]: ', "got 'q'"], model({ nodes: [node({ inputs: ['q'] })] })],
    [
      ['graph.node[0] (Relu).input[0]: ', "got 'q'", 'later'],
      model({ nodes: [node({ inputs: ['q'] }), node({ outputs: ['q'] })] }),
    ],
    [['graph.node[1] (Relu).output[0]: ', 'y'], model({ nodes: [node({}), node({})] })],
    [['graph.node[0] (Relu).output[0]: ', 'x'], model({ nodes: [node({ outputs: ['x'] })] })],
    [['graph.input[1]: ', 'x'], model({ inputs: [value('x'), value('x')] })],
    [
      ['graph.initializer[1]: ', 'w'],
      model({ initializers: [tensor({ rawData: new Uint8Array(8) }), tensor({ rawData: new Uint8Array(8) })] }),
    ],
    [['graph.initializer[0]: ', 'name'], weights({ name: '' })],
    [['graph.input[0]: ', 'name'], model({ inputs: [value('')] })],
    [['graph.output[0]: ', "got 'q'"], model({ outputs: [value('q')] })],
    [['graph.output: ', 'y'], model({ outputs: [value('y'), value('y')] })],
    [["graph.input[0] ('x'): ", 'type'], model({ inputs: [{ name: 'x', metadata: [] }] })],
    [
      ["graph.input[0] ('x').type.elem_type: ", 'got 99'],
      model({ inputs: [{ name: 'x', metadata: [], type: { tensor: { elemType: 99 } } }] }),
    ],
    [["graph.input[0] ('x').type: ", 'tensor', 'opaque'], model({ inputs: [{ name: 'x', metadata: [], type: {} }] })],
    [
      ["graph.input[0] ('x').type: ", 'element'],
      model({ inputs: [{ name: 'x', metadata: [], type: { sequence: {} } }] }),
    ],
    [["graph.input[0] ('x').type.shape.dims[1]: ", '0', 'got -1'], model({ inputs: [value('x', 'n', -1n)] })],
    [
      ["graph.value_info[0] ('v').type.shape.dims: ", '2^53 - 1', 'got [4294967296, 4294967296]'],
      model({ valueInfo: [value('v', 2n ** 32n, 2n ** 32n)] }),
    ],
    [["graph.initializer[0] ('w').dims[0]: ", '0', 'got -2'], weights({ dims: [-2n] })],
    [
      ["graph.initializer[0] ('w').dims: ", '2^53 - 1', 'got [9223372036854775807, 3, 0]'],
      weights({ dims: [2n ** 63n - 1n, 3n, 0n] }),
    ],
    [["graph.initializer[0] ('w').data_type: ", 'got 0'], weights({ dataType: 0 })],
    [
      ["graph.initializer[0] ('w').raw_data: ", '8', 'float32', '[2]', 'got 7'],
      weights({ rawData: new Uint8Array(7) }),
    ],
    [["graph.initializer[0] ('w'): ", '8', 'float32', '[2]', 'got none'], weights({})],
    [
      ["graph.initializer[0] ('w').floatData: ", '2', 'float32', '[2]', 'got 3'],
      weights({ floatData: new Float32Array(3) }),
    ],
    [
      ["graph.initializer[0] ('w'): ", 'float32', 'floatData', 'rawData', 'got int32Data'],
      weights({ int32Data: new Int32Array(2) }),
    ],
    [
      ["graph.initializer[0] ('w'): ", 'floatData', 'rawData'],
      weights({ floatData: new Float32Array(2), rawData: new Uint8Array(8) }),
    ],
    [
      ["graph.initializer[0] ('w'): ", 'floatData', 'int64Data'],
      weights({ floatData: new Float32Array(2), int64Data: new BigInt64Array(2) }),
    ],
    [
      ["graph.initializer[0] ('w'): ", '2', 'stringData', 'rawData'],
      weights({ dataType: DATA_TYPE.string, rawData: new Uint8Array(8) }),
    ],
    [
      ["graph.initializer[0] ('w').raw_data: ", '2', 'int4', '[3]', 'got 3'],
      weights({ dims: [3n], dataType: DATA_TYPE.int4, rawData: new Uint8Array(3) }),
    ],
    [
      ["graph.initializer[0] ('w').external_data: ", "got '../a'"],
      weights({ dataLocation: 1, externalData: [{ key: 'location', value: '../a' }] }),
    ],
    [
      ["graph.initializer[0] ('w').external_data: ", "got '-1'"],
      weights({
        dataLocation: 1,
        externalData: [
          { key: 'location', value: 'a' },
          { key: 'offset', value: '-1' },
        ],
      }),
    ],
    [
      ["graph.initializer[0] ('w').external_data: ", '8', 'float32', '[2]', 'got 9'],
      weights({
        dataLocation: 1,
        externalData: [
          { key: 'location', value: 'a' },
          { key: 'length', value: '9' },
        ],
      }),
    ],
    [
      ["graph.initializer[0] ('w'): ", 'external'],
      weights({ dataLocation: 1, externalData: [{ key: 'location', value: 'a' }], rawData: new Uint8Array(8) }),
    ],
    [
      ["graph.sparse_initializer[0] ('w').indices: ", '[2]', '[2, 1]', 'got [3]'],
      model({
        sparseInitializers: [
          {
            dims: [9n],
            values: tensor({ rawData: new Uint8Array(8) }),
            indices: tensor({ dims: [3n], dataType: DATA_TYPE.int64, int64Data: new BigInt64Array(3) }),
          },
        ],
      }),
    ],
    [
      ['graph.node[0] (Relu).attribute: ', 'a'],
      model({ nodes: [node({ attributes: [attribute({ type: 2 }), attribute({ type: 2 })] })] }),
    ],
    [['graph.node[0] (Relu).attribute: ', 'name'], withAttribute({ name: '', type: 2 })],
    [["graph.node[0] (Relu).attribute['a'].type: ", 'got none'], withAttribute({ i: 1n })],
    [["graph.node[0] (Relu).attribute['a'].type: ", 'got 77'], withAttribute({ type: 77 })],
    [["graph.node[0] (Relu).attribute['a']: ", 'tensor', 'got none'], withAttribute({ type: ATTRIBUTE_TYPE.tensor })],
    [
      ["graph.node[0] (Relu).attribute['a'].t.raw_data: ", '8', 'float32', '[2]', 'got 4'],
      withAttribute({ type: ATTRIBUTE_TYPE.tensor, t: tensor({ rawData: new Uint8Array(4) }) }),
    ],
    [
      ["graph.node[0] (Relu).attribute['a'].tensors[1]: ", '8', 'float32', '[2]'],
      withAttribute({ type: ATTRIBUTE_TYPE.tensors, tensors: [tensor({ dims: [0n] }), tensor()] }),
    ],
    [["graph.node[0] (Relu).attribute['a']: ", 'k'], withAttribute({ refAttrName: 'k' })],
    [
      ["graph.node[0] (Relu).attribute['a'].g.node[0] (Relu).input[0]: ", "got 'q'"],
      withAttribute(inner({ nodes: [node({ inputs: ['q'], outputs: ['z'] })] })),
    ],
    [
      ["graph.node[0] (Relu).attribute['a'].g.node[0] (Relu).input[0]: ", "got 'y'"],
      withAttribute(inner({ nodes: [node({ inputs: ['y'], outputs: ['z'] })] })),
    ],
    [['functions: ', 'd.F'], model({}, { functions: [fun(), fun()] })],
    [
      ['functions[0] (F).node[0] (Relu).input[0]: ', "got 'q'"],
      model({}, { functions: [fun({ nodes: [node({ inputs: ['q'] })] })] }),
    ],
    [['functions[0] (F).output[0]: ', "got 'q'"], model({}, { functions: [fun({ outputs: ['q'] })] })],
    [
      ['training_info[0].algorithm.node[0] (Relu).input[0]: ', "got 'q'"],
      model(
        {},
        {
          trainingInfo: [
            {
              algorithm: graph({ inputs: [], nodes: [node({ inputs: ['q'], outputs: ['z'] })], outputs: [] }),
              initializationBinding: [],
              updateBinding: [],
            },
          ],
        },
      ),
    ],
  ])('%s', (named, broken) => {
    expect(() => checkModel(broken)).toRefuse('model.format', ...named);
  });

  test('a newer IR version is unsupported, not damaged', () => {
    expect(() => checkModel(model({}, { irVersion: 15n }))).toRefuse(
      'model.unsupported',
      'ir_version: ',
      '14',
      'got 15',
    );
  });

  test('34 subgraphs in each other are too many', () => {
    expect(() => checkModel(model({}, { graph: nested(34) }))).toRefuse('model.format', ".attribute['a'].g: ", '33');
  });
});

test('locations cannot leave the folder of the model', () => {
  for (const good of ['a', 'a.bin', 'x/y.bin', './a', 'a..b', '...']) expect(isSafeLocation(good), good).toBe(true);
  for (const bad of ['', '/a', '\\a', '..', '../a', 'a/../../b', 'a\\..\\b', 'C:a', 'c:\\a', 'a\0b'])
    expect(isSafeLocation(bad), JSON.stringify(bad)).toBe(false);
});
