// Files of the systems that translate, style or read texts give the same in Chromium as in Node; so does `project`.
import { project, type NamedTensors } from '@forja/core';
import { load } from '@forja/web';
import { beforeAll, describe, expect, test } from 'vitest';
import { commands } from 'vitest/browser';
import type { Made, Plain, Projected } from './systems-in-node.js';

const tensorsOf = (tensors: Readonly<Record<string, Plain>>): NamedTensors =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, data }]) => [
      name,
      dtype === 'int32'
        ? { dtype, shape, data: Int32Array.from(data) }
        : { dtype, shape, data: Float32Array.from(data) },
    ]),
  );

const SYSTEMS = ['stylegan', 'text2image', 'srgan', 'pix2pix', 'cyclegan'];
const PROJECTION = { starts: 2, steps: 15, label: 'b' } as const;
const made: Record<string, Made[]> = {};
let there: Projected;
beforeAll(async () => {
  for (const name of SYSTEMS) made[name] = await commands.filesInNode(name);
  there = await commands.projectInNode(PROJECTION);
});

describe.each(['wasm', 'webgpu'] as const)('%s', (device) => {
  test.each(SYSTEMS)('%s: the same pictures as in Node within 1e-4', async (name) => {
    for (const { file, feeds, outputs } of made[name]!) {
      const generator = await load(Uint8Array.from(file), { device });
      expect(generator.device.actual).toBe(device);
      const got = await generator.run(tensorsOf(feeds));
      expect(Object.keys(got)).toEqual(Object.keys(outputs));
      for (const [output, { shape, data }] of Object.entries(outputs)) {
        expect(got[output]!.shape).toEqual(shape);
        const atol = 1e-4 * Math.max(1, ...data.map(Math.abs)); // styles are not in [-1, 1]
        expect(got[output]!.data as Float32Array, output).toBeAllclose(data, { atol });
        expect(Math.max(...data) - Math.min(...data), output).toBeGreaterThan(0.1);
      }
      await generator.dispose();
    }
  });

  test('a picture is projected as in Node', async () => {
    const projector = await load(Uint8Array.from(there.file), { device });
    const { target } = there;
    const found = await project(projector, { ...target, data: Uint8ClampedArray.from(target.data) }, PROJECTION);
    expect([...found.losses]).toBeAllclose(there.losses, { rtol: 1e-3, atol: 1e-5 });
    expect([...found.latent]).toBeAllclose(there.latent, { rtol: 1e-3, atol: 1e-3 });
    expect(found.loss).toBeLessThan(0.5 * there.losses[0]!);
    await projector.dispose();
  });
});
