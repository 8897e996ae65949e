// The manifest is found without reading the graph; a damaged one gives one clear error that names the field.
import { Writer } from 'protobufjs/minimal.js';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../platform.js';
import type { Manifest } from './manifest.js';
import { graphBytes, readManifest } from './read-manifest.js';

const manifest: Manifest = {
  version: 1,
  kind: 'latent',
  inputs: [
    { name: 'z', role: 'latent', dtype: 'float32', shape: ['batch', 64], distribution: 'normal' },
    { name: 'label', role: 'label', dtype: 'int32', shape: ['batch'], classes: ['0', '1'] },
  ],
  outputs: [
    { name: 'image', role: 'image', dtype: 'float32', shape: ['batch', 1, 28, 28], range: [-1, 1], layout: 'nchw' },
  ],
  strides: { height: 3 },
  integrity: { sha256: 'ab'.repeat(32), bytes: 12 },
  producer: 'forja 0.1.0',
  license: 'CC0 — ñ',
  trainedOn: 'mnist',
  metrics: { fid: 12.5, folds: [1, 2] },
};

const field = (number: number, content: Uint8Array): Uint8Array =>
  new Writer()
    .uint32(number * 8 + 2)
    .bytes(content)
    .finish();
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const entry = (key: string, value: string): Uint8Array => field(14, join(field(1, utf8(key)), field(2, utf8(value))));
/** A model whose graph is not a protobuf message: it must not be read. */
const graph = field(7, Uint8Array.of(0xff, 0xff, 0xff));
const version = Uint8Array.of(0x08, 0x0a);
const file = (json: unknown): Uint8Array =>
  join(
    version,
    graph,
    entry('other', '{'),
    entry('forja.manifest', typeof json === 'string' ? json : JSON.stringify(json)),
  );
const changed = (change: (m: Record<string, unknown>) => void): Uint8Array => {
  const copy = JSON.parse(JSON.stringify(manifest)) as Record<string, unknown>;
  change(copy);
  return file(copy);
};

describe('read', () => {
  test('every field is read; the graph is skipped', () => {
    expect(readManifest(file(manifest))).toEqual(manifest);
    expect(readManifest(join(entry('forja.manifest', JSON.stringify(manifest)), version, graph))).toEqual(manifest);
  });

  test('a model may have no manifest; optional fields may be absent; unknown fields are dropped', () => {
    expect(readManifest(join(version, graph, entry('other', '{}')))).toBeUndefined();
    const { license: _, trainedOn: __, metrics: ___, ...least } = manifest;
    expect(readManifest(file(least))).toEqual(least);
    expect(readManifest(file({ ...least, later: 1, inputs: [{ ...least.inputs[0], later: 2 }] }))).toEqual({
      ...least,
      inputs: [least.inputs[0]],
    });
  });

  test('an unknown role is read as `tensor`; the roles of styles are known', () => {
    const withRole = (role: string): string | undefined =>
      readManifest(changed((m) => Object.assign((m['inputs'] as object[])[1]!, { role })))?.inputs[1]?.role;
    expect(['psi', 'mix', 'layer', 'hologram'].map(withRole)).toEqual(['psi', 'mix', 'layer', 'tensor']);
    expect(() => withRole(7 as never)).toRefuse('model.format', 'manifest.inputs[1].role', '7');
    const made = (role: string): string | undefined =>
      readManifest(changed((m) => Object.assign((m['outputs'] as object[])[0]!, { role })))?.outputs[0]?.role;
    expect(['image', 'score', 'tensor', 'hologram'].map(made)).toEqual(['image', 'score', 'tensor', 'tensor']);
  });

  test('of two manifests the last one counts, as in any protobuf reader; a value may come before its key', () => {
    const swapped = field(14, join(field(2, utf8(JSON.stringify(manifest))), field(1, utf8('forja.manifest'))));
    expect(readManifest(join(graph, entry('forja.manifest', 'damaged'), swapped))).toEqual(manifest);
  });

  test('names such as __proto__ are plain data', () => {
    const own = readManifest(file(JSON.stringify(manifest).replace('"fid"', '"__proto__":{"polluted":1},"fid"')));
    expect(Object.keys(own!.metrics!)).toContain('__proto__');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(() =>
      readManifest(file(JSON.stringify(manifest).replace('"producer":"forja 0.1.0"', '"__proto__":{"producer":"x"}'))),
    ).toRefuse('model.format', 'manifest.producer');
  });
});

describe('a damaged manifest names its field', () => {
  /** What the message contains: its path, the values expected and found; and the file. */
  test.each<[string[], Uint8Array]>([
    [["metadata 'forja.manifest': ", '{"version": 1'], file('{"version": 1')],
    [["metadata 'forja.manifest': ", "got ''"], file('')],
    [['manifest: ', 'got null'], file('null')],
    [['manifest: ', 'got []'], file('[]')],
    [['manifest.version: ', '1', 'got nothing'], file({})],
    [['manifest.version: ', '1', "got '1'"], changed((m) => (m['version'] = '1'))],
    [
      ['manifest.kind: ', 'latent', 'image-to-image', 'super-resolution', 'function', "got 'video'"],
      changed((m) => (m['kind'] = 'video')),
    ],
    [['manifest.steps.height: ', 'got 0'], changed((m) => (m['steps'] = { height: 0 }))],
    [['manifest.strides.height: ', 'got 0'], changed((m) => (m['strides'] = { height: 0 }))],
    [['manifest.bounds.height: ', 'got [9, 3]'], changed((m) => (m['bounds'] = { height: [9, 3] }))],
    [['manifest.inputs: ', 'got {}'], changed((m) => (m['inputs'] = {}))],
    [['manifest.inputs[1]: ', 'got 5'], changed((m) => ((m['inputs'] as unknown[])[1] = 5))],
    [['manifest.inputs[0].name: ', 'got 5'], changed((m) => Object.assign((m['inputs'] as object[])[0]!, { name: 5 }))],
    [
      ['manifest.inputs[0].shape[1]: ', 'got -1'],
      changed((m) => Object.assign((m['inputs'] as object[])[0]!, { shape: ['batch', -1] })),
    ],
    [
      ['manifest.inputs[0].shape[0]: ', 'got 1.5'],
      changed((m) => Object.assign((m['inputs'] as object[])[0]!, { shape: [1.5] })),
    ],
    [
      ['manifest.inputs[0].distribution: ', 'normal', 'uniform', "got 'cauchy'"],
      changed((m) => Object.assign((m['inputs'] as object[])[0]!, { distribution: 'cauchy' })),
    ],
    [
      ['manifest.inputs[1].classes[0]: ', 'got 0'],
      changed((m) => Object.assign((m['inputs'] as object[])[1]!, { classes: [0] })),
    ],
    [
      ['manifest.outputs[0].range: ', 'got [1, -1]'],
      changed((m) => Object.assign((m['outputs'] as object[])[0]!, { range: [1, -1] })),
    ],
    [
      ['manifest.outputs[0].role: ', 'got 5'],
      changed((m) => Object.assign((m['outputs'] as object[])[0]!, { role: 5 })),
    ],
    [
      ['manifest.integrity.sha256: ', '64', "got 'abc'"],
      changed((m) => (m['integrity'] = { sha256: 'abc', bytes: 1 })),
    ],
    [
      ['manifest.integrity.bytes: ', 'got -1'],
      changed((m) => (m['integrity'] = { sha256: 'ab'.repeat(32), bytes: -1 })),
    ],
    [['manifest.integrity: ', 'got nothing'], changed((m) => delete m['integrity'])],
    [
      ['manifest.license: ', 'got [[[…]]]'],
      file(JSON.stringify(manifest).replace('"CC0 — ñ"', '['.repeat(200_000) + ']'.repeat(200_000))),
    ],
    [['manifest.license: ', 'got null'], changed((m) => (m['license'] = null))],
    [
      ['metadata_props: ', 'UTF-8'],
      join(graph, field(14, join(field(1, utf8('forja.manifest')), field(2, Uint8Array.of(0xff))))),
    ],
    [['metadata_props: ', 'key'], join(graph, field(14, Uint8Array.of(0x0a, 0x7f)))],
    [['metadata_props: ', 'key'], join(graph, field(14, Uint8Array.of(0x0b)))],
    [['metadata_props: ', 'key'], join(graph, field(14, Uint8Array.of(0x08, 0x80)))],
  ])('%s', (named, bytes) => {
    expect(() => readManifest(bytes)).toRefuse('model.format', ...named);
  });

  test('one of a later version is unsupported', () => {
    expect(() => readManifest(changed((m) => (m['version'] = 2)))).toRefuse('model.unsupported', 'manifest.version: ');
  });

  test('bytes other than a model are refused', () => {
    expect(() => readManifest(utf8('<html>'))).toRefuse('model.format', 'web page');
    expect(() => readManifest(new Uint8Array(0))).toRefuse('model.truncated');
  });
});

test('graphBytes is a view of the one graph', () => {
  const bytes = file(manifest);
  expect(graphBytes(bytes)).toEqual(Uint8Array.of(0xff, 0xff, 0xff));
  expect(graphBytes(bytes).buffer).toBe(bytes.buffer);
  expect(() => graphBytes(join(graph, graph))).toRefuse('model.format', 'model: ', 'several');
});
