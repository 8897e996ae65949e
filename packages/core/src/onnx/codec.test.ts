// What the codec must preserve, and what it must refuse. Bytes are written by protobufjs's Writer or by hand and read
// by onnx-buf; neither uses our table of fields (schema/onnx.ts).
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { AttributeProtoSchema, GraphProtoSchema, ModelProtoSchema, TensorProtoSchema } from 'onnx-buf';
import { Writer } from 'protobufjs/minimal.js';
import { describe, expect, test } from 'vitest';
import { ModelFormatError } from '../errors.js';
import { utf8 } from '../platform.js';
import { decodeGraph, decodeModel } from './deserialize.js';
import { ATTRIBUTE_TYPE, type Graph } from './ir.js';
import { encodeGraph, encodeModel } from './serialize.js';
import { attribute, graph, model, node, tensor } from './testing/messages.js';
import { decodeText, encodeText } from './text.js';

/** A field of length-delimited content. */
const field = (number: number, content: Uint8Array): Uint8Array =>
  new Writer()
    .uint32(number * 8 + 2)
    .bytes(content)
    .finish();
const bytes = (...parts: (number | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])));
const inGraph = (...parts: (number | Uint8Array)[]): Uint8Array => field(7, bytes(...parts));
const refusal = (data: Uint8Array, code = 'model.format'): string => {
  try {
    decodeModel(data);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelFormatError);
    expect((error as ModelFormatError).code).toBe(code);
    return (error as Error).message;
  }
  throw new Error('expected an error, got a model');
};

describe('numbers', () => {
  const ends = [
    -(2n ** 63n),
    -(2n ** 32n) - 1n,
    -1n,
    0n,
    127n,
    128n,
    2n ** 31n,
    2n ** 32n - 1n,
    2n ** 35n,
    2n ** 53n + 1n,
    2n ** 63n - 1n,
  ];

  test('int64 is exact at both ends, single and in lists', () => {
    const before = model({
      modelVersion: ends[0]!,
      irVersion: ends.at(-1)!,
      graph: graph({
        initializers: [
          tensor({
            dims: ends,
            int64Data: BigInt64Array.from(ends),
            uint64Data: BigUint64Array.from([0n, 2n ** 64n - 1n]),
            int32Data: Int32Array.from([-(2 ** 31), -1, 0, 2 ** 31 - 1]),
          }),
        ],
        nodes: [node({ attributes: ends.map((i) => attribute({ i, ints: BigInt64Array.from(ends) })) })],
      }),
    });
    const encoded = encodeModel(before);
    expect(decodeModel(encoded)).toEqual(before);
    const theirs = fromBinary(ModelProtoSchema, encoded);
    const weights = theirs.graph!.initializer[0]!;
    expect([
      theirs.modelVersion,
      theirs.irVersion,
      weights.dims,
      weights.int64Data,
      weights.uint64Data,
      weights.int32Data,
    ]).toEqual([ends[0], ends.at(-1), ends, ends, [0n, 2n ** 64n - 1n], [-(2 ** 31), -1, 0, 2 ** 31 - 1]]);
    expect(theirs.graph!.node[0]!.attribute.map((a) => [a.i, a.ints])).toEqual(ends.map((i) => [i, ends]));
  });

  test('any int64 and int32 survives', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.integer(), (i, type) => {
        const [again] = decodeGraph(
          encodeGraph(graph({ nodes: [node({ attributes: [attribute({ i, type })] })] })),
        ).nodes;
        expect([again?.attributes[0]?.i, again?.attributes[0]?.type]).toEqual([i, type]);
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  test('NaNs keep their bits: in packed and unpacked lists, in single floats, in doubles', () => {
    const bits = Uint32Array.from([0x7fc00000, 0x7fc00001, 0xffc12345, 0x7f800001, 0x80000000, 0x7f800000]);
    const doubles = BigUint64Array.from([0x7ff8000000000001n, 0xfff0000000000001n, 0x8000000000000000n]);
    const before = graph({
      initializers: [
        tensor({
          floatData: new Float32Array(bits.buffer),
          doubleData: new Float64Array(doubles.buffer),
          rawData: new Uint8Array(bits.buffer),
        }),
      ],
      nodes: [
        node({
          attributes: [
            attribute({ floats: new Float32Array(bits.buffer) }),
            attribute({ f: NaN, nanBits: 0x7f800001 }),
            attribute({ f: NaN }),
            attribute({ f: -0 }),
          ],
        }),
      ],
    });
    const encoded = encodeGraph(before);
    const after = decodeGraph(encoded);
    const [weights] = after.initializers;
    const attributes = after.nodes[0]!.attributes;
    const raw = (array: Float32Array | Float64Array | Uint8Array): Uint8Array =>
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    expect(raw(weights!.floatData)).toEqual(raw(new Float32Array(bits.buffer)));
    expect(raw(weights!.doubleData)).toEqual(raw(new Float64Array(doubles.buffer)));
    expect(weights!.rawData).toEqual(new Uint8Array(bits.buffer));
    expect(raw(attributes[0]!.floats)).toEqual(raw(new Float32Array(bits.buffer)));
    expect(attributes.slice(1).map(({ f, nanBits }) => [f, nanBits])).toEqual([
      [NaN, 0x7f800001],
      [NaN, undefined],
      [-0, undefined],
    ]);
    expect(encodeGraph(after)).toEqual(encoded);
    expect([...encoded].join()).toContain([0x15, 0x01, 0x00, 0x80, 0x7f].join()); // f, as it lies on the wire
    expect([...encoded].join()).toContain([0x15, 0x00, 0x00, 0xc0, 0x7f].join());
  });

  test('a new value of f is written, even if nanBits of a NaN is still there', () => {
    const after = decodeGraph(
      encodeGraph(graph({ nodes: [node({ attributes: [attribute({ f: 1.5, nanBits: 0x7f800001 })] })] })),
    );
    expect(after.nodes[0]?.attributes[0]?.f).toBe(1.5);
  });

  test.each([
    ['modelVersion', model({ modelVersion: 2n ** 63n })],
    ['dims', model({ graph: graph({ initializers: [tensor({ dims: [-(2n ** 63n) - 1n] })] }) })],
    ['dataType', model({ graph: graph({ initializers: [tensor({ dataType: 1.5 })] }) })],
    ['type', model({ graph: graph({ nodes: [node({ attributes: [attribute({ type: 2 ** 31 })] })] }) })],
  ])('%s outside its range is refused, not wrapped', (name, broken) => {
    expect(() => encodeModel(broken)).toThrow(new RegExp(`^${name}: expected a (32|64)-bit integer, got `));
  });
});

describe('fields', () => {
  test('lists are read packed and unpacked, mixed, and written as onnx.proto says', () => {
    const float = (x: number): Uint8Array => new Uint8Array(Float32Array.of(x).buffer);
    const packed = bytes(
      field(7, bytes(float(1), float(2))),
      7 * 8 + 5,
      float(3),
      field(7, float(4)),
      8 * 8,
      5,
      field(8, bytes(6, 0xac, 2)),
      8 * 8,
      7,
    );
    const [again] = decodeGraph(field(1, field(5, packed))).nodes[0]!.attributes;
    expect([again?.floats, again?.ints]).toEqual([Float32Array.of(1, 2, 3, 4), BigInt64Array.of(5n, 6n, 300n, 7n)]);
    const unpacked = new Writer()
      .uint32(8 * 4 + 5)
      .float(1.5)
      .uint32(8 * 5)
      .int32(-3)
      .uint32(8 * 7)
      .uint64(300)
      .uint32(8 + 2)
      .bytes(bytes(2, 3))
      .finish();
    const [weights] = decodeGraph(field(5, unpacked)).initializers;
    expect([weights?.floatData, weights?.int32Data, weights?.int64Data, weights?.dims]).toEqual([
      Float32Array.of(1.5),
      Int32Array.of(-3),
      BigInt64Array.of(300n),
      [2n, 3n],
    ]);
    const written = encodeGraph(graph({ initializers: [weights!] }));
    expect(written).toEqual(field(5, toBinary(TensorProtoSchema, fromBinary(TensorProtoSchema, unpacked))));
  });

  test('a list of 100,000 unpacked numbers is read (in quadratic time the test would run into its limit)', () => {
    const writer = new Writer();
    for (let i = 0; i < 100_000; i++) writer.uint32(8 * 8).int32(i);
    const [again] = decodeGraph(field(1, field(5, writer.finish()))).nodes[0]!.attributes;
    expect(again?.ints.length).toBe(100_000);
    expect(again?.ints[99_999]).toBe(99_999n);
  });

  test('absent and default are different', () => {
    const before = graph({
      nodes: [node({ name: '', attributes: [attribute({ i: 0n, f: 0, s: new Uint8Array(0) }), attribute({})] })],
    });
    const encoded = encodeGraph(before);
    expect(decodeGraph(encoded)).toEqual(before);
    expect(Object.hasOwn(decodeGraph(encoded).nodes[0]!, 'opType')).toBe(false);
    const theirs = fromBinary(GraphProtoSchema, encoded).node[0]!;
    expect(['name', 'opType'].map((key) => Object.hasOwn(theirs, key))).toEqual([true, false]);
  });

  test('unknown fields are kept at every level, groups too', () => {
    // field 100 { 1: 1, field 101 { group 1 end } }
    const group = bytes(0xa3, 0x06, 0x08, 0x01, 0xab, 0x06, 0x0c, 0xac, 0x06, 0xa4, 0x06);
    const proper = bytes(0xa3, 0x06, 0x08, 0x01, 0xab, 0x06, 0x08, 0x02, 0xac, 0x06, 0xa4, 0x06);
    expect(() => decodeGraph(group)).toRefuse('model.format', 'graph');
    const plain = bytes(
      0xa0,
      0x1f,
      0xff,
      0xff,
      0xff,
      0xff,
      0xff,
      0xff,
      0xff,
      0xff,
      0xff,
      0x01,
      0xa1,
      0x1f,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      0xa5,
      0x1f,
      1,
      2,
      3,
      4,
      field(500, utf8('text')),
    );
    // at the top level groups are refused: nobody writes them, and random bytes look like them
    const extra = bytes(proper, plain);
    const attributes = field(5, bytes(field(1, utf8('a')), extra));
    const nodes = field(1, bytes(attributes, extra, field(3, utf8('n')), extra));
    const type = field(
      2,
      bytes(field(1, bytes(0x08, 0x01, field(2, bytes(field(1, bytes(0x08, 0x05, extra)), extra)), extra)), extra),
    );
    const before = bytes(field(7, bytes(nodes, extra, field(11, bytes(field(1, utf8('x')), type)))), plain);
    const after = decodeModel(before);
    const dim = after.graph!.inputs[0]!.type!.tensor!.shape!.dims[0]!;
    expect([after.unknown, after.graph!.unknown, after.graph!.nodes[0]!.attributes[0]!.unknown, dim.unknown]).toEqual([
      plain,
      extra,
      extra,
      extra,
    ]);
    expect(after.graph!.nodes[0]!.unknown).toEqual(bytes(extra, extra));
    expect([after.graph!.nodes[0]!.name, dim.value]).toEqual(['n', 5n]);
    const again = encodeModel(after);
    expect(decodeModel(again)).toEqual(after);
    const theirs = (data: Uint8Array): unknown => fromBinary(ModelProtoSchema, data, { readUnknownFields: true });
    expect(theirs(again)).toEqual(theirs(before));
  });

  test('a known field with another wire type is kept as an unknown one', () => {
    const nameAsNumber = field(1, bytes(0x18, 0x05, field(4, utf8('Add'))));
    const after = decodeGraph(nameAsNumber);
    expect(after.nodes).toEqual([node({ opType: 'Add', unknown: bytes(0x18, 0x05) })]);
    expect(encodeGraph(after)).toEqual(field(1, bytes(field(4, utf8('Add')), 0x18, 0x05)));
  });

  test('the last value of a oneof wins', () => {
    const dims = bytes(field(1, bytes(0x08, 5, field(2, utf8('n')))), field(1, bytes(field(2, utf8('n')), 0x08, 6)));
    const after = decodeGraph(field(11, field(2, field(1, field(2, dims)))));
    expect(after.inputs[0]?.type?.tensor?.shape?.dims).toEqual([{ param: 'n' }, { value: 6n }]);
  });

  test('every field of an attribute and a tensor goes where onnx-buf reads it', () => {
    const t = tensor({
      name: 't',
      dataType: 8,
      stringData: [utf8('a')],
      segment: { begin: 1n, end: 2n },
      externalData: [{ key: 'location', value: 'w' }],
      dataLocation: 1,
      docString: 'd',
    });
    const full = attribute({
      name: 'n',
      refAttrName: 'r',
      docString: 'd',
      type: ATTRIBUTE_TYPE.typeProtos,
      f: 1,
      i: 2n,
      s: utf8('s'),
      t,
      g: graph({ name: 'g' }),
      sparseTensor: { dims: [1n], values: t, indices: t },
      tp: { denotation: 'tp', map: { keyType: 7, valueType: { sequence: { elemType: { optional: {} } } } } },
      floats: Float32Array.of(3),
      ints: BigInt64Array.of(4n),
      strings: [utf8('5')],
      tensors: [t],
      graphs: [graph({ name: 'h' })],
      sparseTensors: [{ dims: [2n] }],
      typeProtos: [{ sparseTensor: { elemType: 1 } }],
    });
    const encoded = encodeGraph(graph({ nodes: [node({ attributes: [full] })] }));
    const theirs = fromBinary(GraphProtoSchema, encoded).node[0]!.attribute[0]!;
    expect([
      theirs.name,
      theirs.refAttrName,
      theirs.docString,
      theirs.type,
      theirs.f,
      theirs.i,
      theirs.s,
      theirs.g?.name,
      theirs.floats,
      theirs.ints,
      theirs.strings,
      theirs.graphs[0]?.name,
    ]).toEqual(['n', 'r', 'd', 14, 1, 2n, utf8('s'), 'g', [3], [4n], [utf8('5')], 'h']);
    expect([
      theirs.sparseTensor?.dims,
      theirs.sparseTensors[0]?.dims,
      theirs.tp?.denotation,
      theirs.tp?.value.case,
      theirs.typeProtos[0]?.value.case,
    ]).toEqual([[1n], [2n], 'tp', 'mapType', 'sparseTensorType']);
    for (const theirT of [theirs.t!, theirs.tensors[0]!, theirs.sparseTensor!.values!, theirs.sparseTensor!.indices!]) {
      expect([
        theirT.name,
        theirT.dataType,
        theirT.stringData,
        theirT.segment?.begin,
        theirT.segment?.end,
        theirT.externalData[0]?.key,
        theirT.dataLocation,
        theirT.docString,
      ]).toEqual(['t', 8, [utf8('a')], 1n, 2n, 'location', 1, 'd']);
    }
    expect(decodeGraph(encoded).nodes[0]?.attributes[0]).toEqual(full);
    // onnx-buf writes the same bytes again: it has read every field
    expect(field(1, field(5, toBinary(AttributeProtoSchema, theirs)))).toEqual(encoded);
  });

  test('opaque types, sharding and device configurations are where onnx.proto says', () => {
    const sharding = field(1, utf8('x'));
    const before = model({
      configuration: [{ name: 'two', numDevices: 2, device: ['a', 'b'] }],
      graph: graph({
        nodes: [
          node({ deviceConfigurations: [{ configurationId: 'two', shardingSpec: [sharding], pipelineStage: -1 }] }),
        ],
        inputs: [{ type: { opaque: { domain: 'd', name: 'n' } }, metadata: [] }],
      }),
    });
    const encoded = encodeModel(before);
    expect(decodeModel(encoded)).toEqual(before);
    const theirs = fromBinary(ModelProtoSchema, encoded, { readUnknownFields: true });
    expect([theirs.configuration[0]?.numDevices, theirs.configuration[0]?.device]).toEqual([2, ['a', 'b']]);
    const [placed] = theirs.graph!.node[0]!.deviceConfigurations;
    expect([placed?.configurationId, placed?.shardingSpec[0]?.tensorName, placed?.pipelineStage]).toEqual([
      'two',
      'x',
      -1,
    ]);
    expect(encodeGraph(graph({ inputs: before.graph!.inputs }))).toEqual(
      field(11, field(2, field(7, bytes(field(1, utf8('d')), field(2, utf8('n')))))),
    );
  });

  test('byte strings are views of the file, numbers and texts are not', () => {
    const file = encodeModel(
      model({
        graph: graph({ initializers: [tensor({ rawData: Uint8Array.of(1, 2, 3), floatData: Float32Array.of(1) })] }),
      }),
    );
    const [weights] = decodeModel(file).graph!.initializers;
    expect(weights!.rawData!.buffer).toBe(file.buffer);
    expect(weights!.floatData.buffer).not.toBe(file.buffer);
  });
});

describe('texts', () => {
  test('anything is kept: UTF-8 as text, other bytes as escapes', () => {
    const valid = 'añ€😀\u0000ￏ' + 'x'.repeat(100);
    expect(decodeText(utf8(valid))).toBe(valid);
    expect(encodeText(valid)).toEqual(utf8(valid));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (raw) => void expect(encodeText(decodeText(raw))).toEqual(raw)),
      { seed: 3, numRuns: 2000 },
    );
    const pieces = fc.constantFrom(
      [0xed, 0xa0, 0x80],
      [0xc0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe2, 0x82],
      [0xf0, 0x9f, 0x98, 0x80],
      [0x41],
      [0xff],
      [0xe0, 0x80, 0x80],
    );
    fc.assert(
      fc.property(
        fc.array(pieces),
        (parts) =>
          void expect(encodeText(decodeText(Uint8Array.from(parts.flat())))).toEqual(Uint8Array.from(parts.flat())),
      ),
      { seed: 4, numRuns: 500 },
    );
    expect(decodeText(Uint8Array.of(0x61, 0xff, 0xf0, 0x9f, 0x98, 0x80))).toBe('a\udcff😀');
    const named = bytes(field(7, field(2, Uint8Array.of(0x61, 0xff))));
    expect(encodeModel(decodeModel(named))).toEqual(named);
  });

  test('a lone surrogate in a string is written as U+FFFD', () => {
    expect(decodeModel(encodeModel(model({ producerName: 'a\ud800b' }))).producerName).toBe('a\ufffdb');
  });
});

describe('hostile bytes', () => {
  test('nesting stops at 100 messages', () => {
    const nested = (levels: number): Uint8Array => {
      let inside = new Uint8Array(0);
      // graph → node → attribute → graph
      for (let i = 0; i < levels; i++) inside = field(1, field(5, field(6, inside))) as Uint8Array<ArrayBuffer>;
      return field(7, inside);
    };
    let depth = 0;
    for (let g: Graph | undefined = decodeModel(nested(33)).graph; g; g = g.nodes[0]?.attributes[0]?.g) depth++;
    expect(depth).toBe(34);
    expect(refusal(nested(34))).toMatch(
      /model: graph\.nodes\[0\]\.attributes\[0\]\.g\.nodes.*: expected at most 100 levels of messages, got more/,
    );
    expect(refusal(nested(3000))).toContain('at most 100 levels');
    const deep = bytes(
      ...Array.from({ length: 5000 }, () => [0xa3, 0x06]).flat(),
      ...Array.from({ length: 5000 }, () => [0xa4, 0x06]).flat(),
    );
    expect(refusal(field(7, deep))).toContain('max depth exceeded');
  });

  test.each([
    ['a length beyond the file', bytes(0x3a, 0x10, 0x0a), 'model.truncated', 'the file is cut off'],
    [
      'a length beyond its message',
      inGraph(0x0a, 0x7f),
      'model.format',
      'nodes[0]: expected fields that end inside their message',
    ],
    [
      'a length of 2 GiB',
      inGraph(0x2a, 0x06, 0x4a, 0xff, 0xff, 0xff, 0xff, 0x07),
      'model.format',
      'initializers[0]: expected fields that end inside',
    ],
    [
      'a length above 2 GiB',
      inGraph(0x2a, 0x06, 0x4a, 0xff, 0xff, 0xff, 0xff, 0x0f),
      'model.format',
      'initializers[0]: expected protobuf, got invalid length encoding',
    ],
    [
      'an endless varint',
      inGraph(field(5, bytes(0x08, ...Array.from({ length: 11 }, () => 0xff), 0))),
      'model.format',
      'a number longer than ten bytes',
    ],
    [
      'an endless int32',
      inGraph(field(5, bytes(0x10, ...Array.from({ length: 11 }, () => 0xff), 0))),
      'model.format',
      'invalid varint encoding',
    ],
    [
      'an endless number in an unknown field',
      inGraph(0xa0, 0x1f, ...Array.from({ length: 30 }, () => 0xff), 0),
      'model.format',
      'an endless number',
    ],
    [
      'a number cut by its message',
      inGraph(field(5, bytes(0x08, 0x80)), 0x01),
      'model.format',
      'initializers[0]: expected fields that end',
    ],
    ['field number 0', inGraph(0x02, 0x00), 'model.format', 'field number 0'],
    ['an end without a group', inGraph(0x0c), 'model.format', 'invalid wire type 4'],
    ['wire type 7', inGraph(0x0f), 'model.format', 'invalid wire type 7'],
    ['floats of 3 bytes', inGraph(field(5, field(4, bytes(1, 2, 3)))), 'model.format', 'a multiple of 4 bytes, got 3'],
    ['two graphs', bytes(inGraph(), inGraph()), 'model.format', 'model: graph: expected one value, got two'],
    [
      'two types of a value',
      inGraph(field(11, bytes(field(2, bytes()), field(2, bytes())))),
      'model.format',
      'graph.inputs[0].type: expected one value',
    ],
    ['nothing', bytes(), 'model.truncated', 'an empty file'],
    ['a web page', utf8('<!DOCTYPE html><html></html>'), 'model.format', 'a web page'],
  ])('%s is one clear error', (_, data, code, message) => {
    expect(refusal(data, code)).toContain(message);
  });

  test('few bytes cannot become many objects', () => {
    const empty = new Uint8Array(2_200_000);
    for (let i = 0; i < empty.length; i += 2) empty[i] = 0x0a; // 1.1 million empty nodes
    expect(refusal(field(7, empty))).toContain('at most 1000000 messages');
    const dims = new Uint8Array(1_100_000).fill(1);
    expect(refusal(inGraph(field(5, field(1, dims))))).toContain('at most 1000000 messages');
    const scattered = new Uint8Array(2_200_000);
    for (let i = 0; i < scattered.length; i += 4) scattered.set([0x12, 0x00, 0x18, 0x00], i); // name, unknown, name, …
    expect(refusal(field(7, scattered))).toContain('at most 1000000 messages');
  });
});
