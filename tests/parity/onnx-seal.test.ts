// Sealed models: the manifest can be read without the schema, the integrity detects every flipped byte of the graph,
// and onnxruntime runs them as before.
import { createHash } from 'node:crypto';
import { MANIFEST_KEY, checkIntegrity, graphBytes, readManifest, type Manifest, type Sha256 } from '@forja/core';
import { checkModel, decodeModel, encodeModel, sealModel } from '@forja/core/onnx';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { readCorpus } from '../corpus/read.mjs';

const sha256: Sha256 = (bytes) => Promise.resolve(createHash('sha256').update(bytes).digest('hex'));
const corpus = readCorpus();
const { bytes: conv } = corpus.find(({ name }) => name === 'pytorch-converted/test_Conv2d_groups')!;
const model = decodeModel(conv);
const manifest: Omit<Manifest, 'integrity'> = {
  version: 1,
  kind: 'function',
  inputs: [{ name: model.graph!.inputs[0]!.name!, role: 'tensor', dtype: 'float32', shape: [2, 4, 6, 5] }],
  outputs: [
    {
      name: model.graph!.outputs[0]!.name!,
      role: 'tensor',
      dtype: 'float32',
      shape: [2, 6, 4, 4],
      range: [-10, 10],
      layout: 'nchw',
    },
  ],
  producer: 'forja test',
  license: 'MIT — ©',
  metrics: { fid: 1.5, nested: { list: [1, null] } },
};

describe('seal', () => {
  test('the manifest is read back, with the integrity of the graph’s bytes in the file', async () => {
    const sealed = await sealModel(model, manifest, sha256);
    const graph = graphBytes(sealed);
    expect(graph.buffer).toBe(sealed.buffer);
    expect(readManifest(sealed)).toEqual({
      ...manifest,
      integrity: { sha256: createHash('sha256').update(graph).digest('hex'), bytes: graph.length },
    });
    expect(graph).toEqual(graphBytes(conv));
    expect(readManifest(conv)).toBeUndefined();
    await checkIntegrity(sealed, readManifest(sealed)!, sha256);
    checkModel(sealed);
    expect(await sealModel(decodeModel(sealed), manifest, sha256)).toEqual(sealed); // replaced, not added
  });

  test('every flipped bit of the graph is found; metadata may change', async () => {
    const sealed = await sealModel(model, manifest, sha256);
    const own = readManifest(sealed)!;
    const graph = graphBytes(sealed);
    for (let i = 0; i < graph.length; i += 3) {
      const damaged = sealed.slice();
      damaged[graph.byteOffset - sealed.byteOffset + i]! ^= 1 << (i % 8);
      await expect(checkIntegrity(damaged, own, sha256)).rejects.toMatchObject({ code: 'model.integrity' });
    }
    const edited = encodeModel({ ...decodeModel(sealed), docString: 'edited', producerVersion: '2' });
    await checkIntegrity(edited, readManifest(edited)!, sha256);
  });

  test('external files are sealed in the order of their locations', async () => {
    const external = new Map([
      ['b.bin', Uint8Array.of(3)],
      ['a.bin', Uint8Array.of(1, 2)],
    ]);
    const sealed = await sealModel(model, manifest, sha256, external);
    const own = readManifest(sealed)!;
    const graph = graphBytes(sealed);
    expect(own.integrity).toEqual({
      bytes: graph.length + 3,
      sha256: createHash('sha256')
        .update(graph)
        .update(Uint8Array.of(1, 2, 3))
        .digest('hex'),
    });
    await checkIntegrity(sealed, own, sha256, new Map([...external].reverse()));
    await expect(checkIntegrity(sealed, own, sha256)).rejects.toRefuse('model.integrity', /\d+ bytes/);
    await expect(
      checkIntegrity(
        sealed,
        own,
        sha256,
        new Map([
          ['a.bin', Uint8Array.of(1, 2)],
          ['b.bin', Uint8Array.of(4)],
        ]),
      ),
    ).rejects.toRefuse('model.integrity', 'SHA-256');
  });

  test('a model without graph and a manifest that could not be read are refused', async () => {
    const { graph: _, ...empty } = model;
    await expect(sealModel(empty, manifest, sha256)).rejects.toRefuse('model.format', 'graph');
    await expect(sealModel(model, { ...manifest, kind: 'video' as never }, sha256)).rejects.toRefuse(
      'model.format',
      'manifest.kind',
    );
  });

  test('onnxruntime gives the same numbers, and its checker accepts what we encode', async () => {
    const sealed = await sealModel(model, manifest, sha256);
    const [before, after] = await Promise.all([conv, sealed].map((bytes) => run(bytes)));
    expect(after).toEqual(before);
    expect(before!.length).toBe(2 * 6 * 4 * 4);
  });

  test('onnxruntime loads as many third-party models after our round trip as before', async () => {
    const some = corpus.filter((_, i) => i % 14 === 0);
    let loaded = 0;
    for (const { name, bytes } of some) {
      const original = await loads(bytes);
      const { metadata, ...rest } = decodeModel(bytes);
      const again = await loads(encodeModel({ ...rest, metadata: [...metadata, { key: MANIFEST_KEY, value: '{}' }] }));
      expect(again, name).toBe(original);
      if (original) loaded++;
    }
    expect(loaded).toBeGreaterThan(70);
  });
});

async function run(bytes: Uint8Array): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const input = Float32Array.from({ length: 2 * 4 * 6 * 5 }, (_, i) => Math.sin(i));
  const results = await session.run({ [session.inputNames[0]!]: new ort.Tensor('float32', input, [2, 4, 6, 5]) });
  await session.release();
  return results[session.outputNames[0]!]!.data as Float32Array; // the output's declared type
}

async function loads(bytes: Uint8Array): Promise<boolean> {
  try {
    await (await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 })).release();
    return true;
  } catch {
    return false;
  }
}
