// 10,000 seeded mutations of valid model files: each decodes or is refused with a typed error, in bounded time and
// memory, and decoded models can be encoded again.
import { ModelFormatError, graphBytes, readManifest } from '@forja/core';
import { checkModel, decodeModel, encodeModel } from '@forja/core/onnx';
import { expect, test } from 'vitest';
import { readCorpus } from '../corpus/read.mjs';

const corpus = readCorpus();
/**
 * With subgraphs, functions, optional and sequence types, attributes of all sorts, initializers, and the manifest of a
 * generator.
 */
const NAMES = [
  'node/test_loop16_seq_none',
  'node/test_if_opt',
  'node/test_center_crop_pad_crop_expanded',
  'node/test_identity_opt',
  'simple/test_sequence_model4',
  'pytorch-converted/test_Conv2d_groups',
];
const manifest = {
  version: 1,
  kind: 'latent',
  inputs: [{ name: 'z', role: 'latent', dtype: 'float32', shape: ['batch', 8], distribution: 'normal' }],
  outputs: [{ name: 'y', role: 'image', dtype: 'float32', shape: ['batch', 1, 4, 4], range: [-1, 1], layout: 'nchw' }],
  integrity: { sha256: '0'.repeat(64), bytes: 1 },
  producer: 'test',
};
const files = NAMES.map((name) => {
  const model = decodeModel(corpus.find((entry) => entry.name === name)!.bytes);
  return encodeModel({ ...model, metadata: [{ key: 'forja.manifest', value: JSON.stringify(manifest) }] });
});

/** xorshift32: a fixed stream, whatever the platform. */
function stream(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function mutate(file: Uint8Array, next: (below: number) => number): Uint8Array {
  let bytes = [...file];
  for (let edits = 1 + next(4); edits > 0; edits--) {
    const at = next(bytes.length);
    const span = bytes.slice(at, at + 1 + next(24));
    const kind = next(7);
    if (kind === 0) bytes[at] = bytes[at]! ^ (1 << next(8));
    else if (kind === 1) bytes[at] = next(256);
    else if (kind === 2) bytes.splice(at, span.length);
    else if (kind === 3) bytes.splice(next(bytes.length), 0, ...span);
    else if (kind === 4) bytes.splice(at, 1, ...Array.from({ length: 1 + next(11) }, () => 0xff), next(256));
    else if (kind === 5) bytes[at] = [0, 1, 0x7f, 0x80, 0xff][next(5)]!;
    else if (next(8) === 0) bytes = bytes.slice(0, at + 1);
  }
  return Uint8Array.from(bytes);
}

test('10,000 mutations decode or fail with a typed error; what decodes encodes to the same model', () => {
  const next = stream(20251);
  const outcomes = { refused: 0, unlike: 0, sound: 0, manifests: 0 };
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 10_000; i++) {
    const bytes = mutate(files[i % files.length]!, next);
    attempt(() => void (readManifest(bytes) && outcomes.manifests++));
    attempt(() => void graphBytes(bytes));
    const model = attempt(() => decodeModel(bytes));
    if (!model) {
      outcomes.refused++;
      continue;
    }
    const encoded = encodeModel(model);
    expect(Buffer.compare(encodeModel(decodeModel(encoded)), encoded)).toBe(0);
    outcomes[attempt(() => (checkModel(model), true)) ? 'sound' : 'unlike']++;
  }
  // All three kinds of outcome are well represented, so no path goes untested.
  expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(500);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(500e6);
});

test('a file truncated at any byte is refused, or lacks only the last fields', () => {
  for (const file of files) {
    let whole = 0;
    for (let end = 0; end < file.length; end++) {
      const model = attempt(() => decodeModel(file.subarray(0, end)));
      if (!model) continue;
      whole++;
      expect(Buffer.compare(encodeModel(model), file.subarray(0, end))).toBe(0);
    }
    // After the graph come the operator sets, the metadata and the functions: only a cut between those is undetected.
    expect(whole).toBeLessThan(8);
  }
});

/** The value, or undefined when a typed error was thrown; any other error fails the test. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    expect(error).toBeInstanceOf(ModelFormatError);
    const { code, message } = error as ModelFormatError;
    expect(['model.format', 'model.truncated', 'model.unsupported']).toContain(code);
    expect(message).toMatch(/expected ./);
    return undefined;
  }
}
