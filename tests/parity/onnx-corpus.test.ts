// The codec on third-party models: decode → encode loses nothing, field by field according to an independent reader
// (onnx-buf), and onnxruntime runs the result.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { fromBinary } from '@bufbuild/protobuf';
import { checkModel, decodeModel, encodeModel, type Graph } from '@forja/core/onnx';
import { ModelProtoSchema, type GraphProto } from 'onnx-buf';
import { expect, test } from 'vitest';
import { readCorpus } from '../corpus/read.mjs';

const corpus = readCorpus();
const read = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes, { readUnknownFields: true });

test('1,392 models decoded and encoded again are equal in every field, and in their bytes', () => {
  expect(corpus.length).toBe(1392);
  const different: string[] = [];
  for (const { name, bytes } of corpus) {
    const again = encodeModel(decodeModel(bytes));
    // Own properties, unknown fields included; numbers by Object.is, for NaN and -0.
    if (!isDeepStrictEqual(read(again), read(bytes))) different.push(`${name}: fields`);
    if (!Buffer.from(again).equals(bytes)) different.push(`${name}: bytes`);
  }
  expect(different).toEqual([]);
});

test('the table of fields equals onnx.proto', () => {
  const script = fileURLToPath(new URL('../../packages/core/scripts/generate-schema.mjs', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

test('the structural check finds nothing wrong with any of them', () => {
  for (const { name, bytes } of corpus) expect(() => checkModel(bytes), name).not.toThrow();
});

test('the IR of every model equals the other reader’s', () => {
  for (const { name, bytes } of corpus) {
    const ours = decodeModel(bytes);
    const theirs = read(bytes);
    expect(
      ours.opsetImport.map((o) => [o.domain ?? '', o.version]),
      name,
    ).toEqual(theirs.opsetImport.map((o) => [o.domain, o.version]));
    expect(
      [
        ours.irVersion,
        ours.producerName ?? '',
        ours.metadata.length,
        ours.functions.map((f) => [f.name, f.inputs, f.outputs, f.attributes]),
      ],
      name,
    ).toEqual([
      theirs.irVersion,
      theirs.producerName,
      theirs.metadataProps.length,
      theirs.functions.map((f) => [f.name, f.input, f.output, f.attribute]),
    ]);
    expect(summary(ours.graph!), name).toEqual(theirSummary(theirs.graph!));
  }
});

function summary(graph: Graph): unknown {
  return {
    name: graph.name ?? '',
    values: [graph.inputs, graph.outputs, graph.valueInfo].map((list) =>
      list.map((v) => [
        v.name,
        v.type?.tensor?.elemType,
        v.type?.tensor?.shape?.dims.map((d) => d.value ?? d.param),
        v.type?.sequence?.elemType !== undefined,
        v.type?.optional !== undefined,
      ]),
    ),
    initializers: graph.initializers.map((t) => [
      t.name,
      t.dataType,
      t.dims,
      t.rawData,
      [...t.floatData],
      [...t.int32Data],
      [...t.int64Data],
    ]),
    nodes: graph.nodes.map((n) => [
      n.name ?? '',
      n.opType,
      n.domain ?? '',
      n.inputs,
      n.outputs,
      n.attributes.map((a) => [
        a.name,
        a.refAttrName ?? '',
        a.type,
        a.f,
        a.i,
        a.s,
        a.t?.dims,
        [...a.floats],
        [...a.ints],
        a.strings,
        a.g && summary(a.g),
      ]),
    ]),
  };
}

function theirSummary(graph: GraphProto): unknown {
  const set = <T extends object, K extends keyof T>(message: T, key: K): T[K] | undefined =>
    Object.hasOwn(message, key) ? message[key] : undefined;
  return {
    name: graph.name,
    values: [graph.input, graph.output, graph.valueInfo].map((list) =>
      list.map((v) => {
        const kind = v.type?.value;
        const tensor = kind?.case === 'tensorType' ? kind.value : undefined;
        return [
          v.name,
          tensor?.elemType,
          tensor?.shape?.dim.map((d) => d.value.value),
          kind?.case === 'sequenceType',
          kind?.case === 'optionalType',
        ];
      }),
    ),
    initializers: graph.initializer.map((t) => [
      t.name,
      t.dataType,
      t.dims,
      set(t, 'rawData'),
      t.floatData,
      t.int32Data,
      t.int64Data,
    ]),
    nodes: graph.node.map((n) => [
      n.name,
      n.opType,
      n.domain,
      n.input,
      n.output,
      n.attribute.map((a) => [
        a.name,
        a.refAttrName,
        a.type,
        set(a, 'f'),
        set(a, 'i'),
        set(a, 's'),
        a.t?.dims,
        a.floats,
        a.ints,
        a.strings,
        a.g && theirSummary(a.g),
      ]),
    ]),
  };
}
