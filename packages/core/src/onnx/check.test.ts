// Each rule of the structural check: a valid model passes; with one fault, the message names the place, what was
// expected and what was found.
import { describe, expect, test } from 'vitest';
import { ModelFormatError } from '../errors.js';
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

const none = {
  floatData: new Float32Array(0),
  int32Data: new Int32Array(0),
  int64Data: new BigInt64Array(0),
  uint64Data: new BigUint64Array(0),
  doubleData: new Float64Array(0),
  stringData: [],
};
const tensor = (fields: Partial<TensorProto> = {}): TensorProto => ({
  ...none,
  name: 'w',
  dims: [2n],
  dataType: DATA_TYPE.float32,
  externalData: [],
  metadata: [],
  ...fields,
});
const attribute = (fields: Partial<Attribute>): Attribute => ({
  name: 'a',
  floats: new Float32Array(0),
  ints: new BigInt64Array(0),
  strings: [],
  tensors: [],
  graphs: [],
  sparseTensors: [],
  typeProtos: [],
  ...fields,
});
const node = (fields: Partial<Node>): Node => ({
  opType: 'Relu',
  inputs: ['x'],
  outputs: ['y'],
  attributes: [],
  metadata: [],
  deviceConfigurations: [],
  ...fields,
});
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
const graph = (fields: Partial<Graph> = {}): Graph => ({
  name: 'g',
  nodes: [node({})],
  initializers: [],
  sparseInitializers: [],
  inputs: [value('x', 'n', 2n)],
  outputs: [value('y', 'n', 2n)],
  valueInfo: [],
  quantizationAnnotation: [],
  metadata: [],
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
const model = (g: Partial<Graph> = {}, fields: Partial<Model> = {}): Model => ({
  irVersion: 10n,
  opsetImport: [{ version: 21n }],
  graph: graph(g),
  metadata: [],
  trainingInfo: [],
  functions: [],
  configuration: [],
  ...fields,
});
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
  test.each<[string, Model]>([
    [
      "graph.node[1] (Conv 'conv_1').attribute['pads']: expected a value of type ints in ints, got one in f",
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
    ['ir_version: expected 1 to 14, got none', (({ irVersion: _, ...rest }) => rest)(model())],
    ['graph: expected a graph, got none', (({ graph: _, ...rest }) => rest)(model())],
    ['opset_import: expected at least one operator set, got none', model({}, { opsetImport: [] })],
    ['opset_import[0].version: expected at least 1, got 0', model({}, { opsetImport: [{ version: 0n }] })],
    [
      "opset_import: expected names that are used once, got a second domain ''",
      model({}, { opsetImport: [{ version: 1n }, { domain: 'ai.onnx', version: 2n }] }),
    ],
    [
      "graph.node[0] (Relu): expected an operator set for domain 'com.x' in opset_import, got ''",
      model({ nodes: [node({ domain: 'com.x' })] }),
    ],
    ['graph.node[0] (): expected an op_type, got none', model({ nodes: [node({ opType: '' })] })],
    [
      "graph.node[0] (Relu).input[0]: expected a value defined before, got 'q', which nothing defines",
      model({ nodes: [node({ inputs: ['q'] })] }),
    ],
    [
      "graph.node[0] (Relu).input[0]: expected a value defined before, got 'q', which a later node computes",
      model({ nodes: [node({ inputs: ['q'] }), node({ outputs: ['q'] })] }),
    ],
    [
      "graph.node[1] (Relu).output[0]: expected names that are defined once, got a second value 'y'",
      model({ nodes: [node({}), node({})] }),
    ],
    [
      "graph.node[0] (Relu).output[0]: expected names that are defined once, got a second value 'x'",
      model({ nodes: [node({ outputs: ['x'] })] }),
    ],
    [
      "graph.input[1]: expected names that are defined once, got a second input 'x'",
      model({ inputs: [value('x'), value('x')] }),
    ],
    [
      "graph.initializer[1]: expected names that are defined once, got a second initializer 'w'",
      model({ initializers: [tensor({ rawData: new Uint8Array(8) }), tensor({ rawData: new Uint8Array(8) })] }),
    ],
    ['graph.initializer[0]: expected a name, got none', weights({ name: '' })],
    ['graph.input[0]: expected a name, got none', model({ inputs: [value('')] })],
    [
      "graph.output[0]: expected a value of the graph, got 'q', which nothing computes",
      model({ outputs: [value('q')] }),
    ],
    [
      "graph.output: expected names that are used once, got a second output 'y'",
      model({ outputs: [value('y'), value('y')] }),
    ],
    ["graph.input[0] ('x'): expected a type, got none", model({ inputs: [{ name: 'x', metadata: [] }] })],
    [
      "graph.input[0] ('x').type.elem_type: expected a data type of ONNX, got 99",
      model({ inputs: [{ name: 'x', metadata: [], type: { tensor: { elemType: 99 } } }] }),
    ],
    [
      "graph.input[0] ('x').type: expected a tensor, sequence, map, optional or opaque type, got none",
      model({ inputs: [{ name: 'x', metadata: [], type: {} }] }),
    ],
    [
      "graph.input[0] ('x').type: expected an element type, got none",
      model({ inputs: [{ name: 'x', metadata: [], type: { sequence: {} } }] }),
    ],
    [
      "graph.input[0] ('x').type.shape.dims[1]: expected a size of at least 0, got -1",
      model({ inputs: [value('x', 'n', -1n)] }),
    ],
    [
      "graph.value_info[0] ('v').type.shape.dims: expected at most 2^53 - 1 elements, got [4294967296, 4294967296]",
      model({ valueInfo: [value('v', 2n ** 32n, 2n ** 32n)] }),
    ],
    ["graph.initializer[0] ('w').dims[0]: expected a size of at least 0, got -2", weights({ dims: [-2n] })],
    [
      "graph.initializer[0] ('w').dims: expected at most 2^53 - 1 elements, got [9223372036854775807, 3, 0]",
      weights({ dims: [2n ** 63n - 1n, 3n, 0n] }),
    ],
    ["graph.initializer[0] ('w').data_type: expected a data type of ONNX, got 0", weights({ dataType: 0 })],
    [
      "graph.initializer[0] ('w').raw_data: expected 8 bytes for float32 [2], got 7",
      weights({ rawData: new Uint8Array(7) }),
    ],
    ["graph.initializer[0] ('w'): expected 8 bytes for float32 [2], got none", weights({})],
    [
      "graph.initializer[0] ('w').floatData: expected 2 numbers for float32 [2], got 3",
      weights({ floatData: new Float32Array(3) }),
    ],
    [
      "graph.initializer[0] ('w'): expected float32 in floatData or rawData, got int32Data",
      weights({ int32Data: new Int32Array(2) }),
    ],
    [
      "graph.initializer[0] ('w'): expected data in one field, got floatData and rawData",
      weights({ floatData: new Float32Array(2), rawData: new Uint8Array(8) }),
    ],
    [
      "graph.initializer[0] ('w'): expected data in one field, got floatData and int64Data",
      weights({ floatData: new Float32Array(2), int64Data: new BigInt64Array(2) }),
    ],
    [
      "graph.initializer[0] ('w'): expected 2 texts in stringData, got rawData",
      weights({ dataType: DATA_TYPE.string, rawData: new Uint8Array(8) }),
    ],
    [
      "graph.initializer[0] ('w').raw_data: expected 2 bytes for int4 [3], got 3",
      weights({ dims: [3n], dataType: DATA_TYPE.int4, rawData: new Uint8Array(3) }),
    ],
    [
      "graph.initializer[0] ('w').external_data: expected a location in or below the model's folder, got '../a'",
      weights({ dataLocation: 1, externalData: [{ key: 'location', value: '../a' }] }),
    ],
    [
      "graph.initializer[0] ('w').external_data: expected a number of bytes as offset, got '-1'",
      weights({
        dataLocation: 1,
        externalData: [
          { key: 'location', value: 'a' },
          { key: 'offset', value: '-1' },
        ],
      }),
    ],
    [
      "graph.initializer[0] ('w').external_data: expected 8 bytes for float32 [2], got 9",
      weights({
        dataLocation: 1,
        externalData: [
          { key: 'location', value: 'a' },
          { key: 'length', value: '9' },
        ],
      }),
    ],
    [
      "graph.initializer[0] ('w'): expected data in an external file only, got some in the model too",
      weights({ dataLocation: 1, externalData: [{ key: 'location', value: 'a' }], rawData: new Uint8Array(8) }),
    ],
    [
      "graph.sparse_initializer[0] ('w').indices: expected dims [2] or [2, 1], got [3]",
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
      "graph.node[0] (Relu).attribute: expected names that are used once, got a second attribute 'a'",
      model({ nodes: [node({ attributes: [attribute({ type: 2 }), attribute({ type: 2 })] })] }),
    ],
    ['graph.node[0] (Relu).attribute: expected a name, got none', withAttribute({ name: '', type: 2 })],
    [
      "graph.node[0] (Relu).attribute['a'].type: expected an attribute type of ONNX, got none",
      withAttribute({ i: 1n }),
    ],
    [
      "graph.node[0] (Relu).attribute['a'].type: expected an attribute type of ONNX, got 77",
      withAttribute({ type: 77 }),
    ],
    [
      "graph.node[0] (Relu).attribute['a']: expected a value of type tensor in t, got none",
      withAttribute({ type: ATTRIBUTE_TYPE.tensor }),
    ],
    [
      "graph.node[0] (Relu).attribute['a'].t.raw_data: expected 8 bytes for float32 [2], got 4",
      withAttribute({ type: ATTRIBUTE_TYPE.tensor, t: tensor({ rawData: new Uint8Array(4) }) }),
    ],
    [
      "graph.node[0] (Relu).attribute['a'].tensors[1]: expected 8 bytes for float32 [2], got none",
      withAttribute({ type: ATTRIBUTE_TYPE.tensors, tensors: [tensor({ dims: [0n] }), tensor()] }),
    ],
    [
      "graph.node[0] (Relu).attribute['a']: expected a value, got a reference to 'k' outside a function",
      withAttribute({ refAttrName: 'k' }),
    ],
    [
      "graph.node[0] (Relu).attribute['a'].g.node[0] (Relu).input[0]: expected a value defined before, got 'q', which nothing defines",
      withAttribute(inner({ nodes: [node({ inputs: ['q'], outputs: ['z'] })] })),
    ],
    [
      "graph.node[0] (Relu).attribute['a'].g.node[0] (Relu).input[0]: expected a value defined before, got 'y', which nothing defines",
      withAttribute(inner({ nodes: [node({ inputs: ['y'], outputs: ['z'] })] })),
    ],
    [
      "functions: expected names that are used once, got a second function 'd.F'",
      model({}, { functions: [fun(), fun()] }),
    ],
    [
      "functions[0] (F).node[0] (Relu).input[0]: expected a value defined before, got 'q', which nothing defines",
      model({}, { functions: [fun({ nodes: [node({ inputs: ['q'] })] })] }),
    ],
    [
      "functions[0] (F).output[0]: expected a value of the function, got 'q', which nothing computes",
      model({}, { functions: [fun({ outputs: ['q'] })] }),
    ],
    [
      "training_info[0].algorithm.node[0] (Relu).input[0]: expected a value defined before, got 'q', which nothing defines",
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
  ])('%s', (message, broken) => {
    expect(() => checkModel(broken)).toThrow(new ModelFormatError('model.format', message));
  });

  test('a newer IR version is unsupported, not damaged', () => {
    expect(() => checkModel(model({}, { irVersion: 15n }))).toThrow(
      expect.objectContaining({
        code: 'model.unsupported',
        message: expect.stringContaining('ir_version: expected at most 14, got 15') as string,
      }),
    );
  });

  test('34 subgraphs in each other are too many', () => {
    expect(() => checkModel(model({}, { graph: nested(34) }))).toThrow(
      'expected at most 33 graphs within each other, got more',
    );
  });
});

test('locations cannot leave the folder of the model', () => {
  for (const good of ['a', 'a.bin', 'x/y.bin', './a', 'a..b', '...']) expect(isSafeLocation(good), good).toBe(true);
  for (const bad of ['', '/a', '\\a', '..', '../a', 'a/../../b', 'a\\..\\b', 'C:a', 'c:\\a', 'a\0b'])
    expect(isSafeLocation(bad), JSON.stringify(bad)).toBe(false);
});
