// Finding tfjs-node and giving it this process's tfjs, with fake packages. The real one:
// tests/parity/tfjs-node.test.ts.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { useTfjsNode } from './tfjs-node.js';

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forja-tfjs-node-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => void vi.stubEnv('FORJA_TFJS_NODE', undefined));
afterEach(async () => {
  vi.unstubAllEnvs();
  await tf.setBackend('cpu');
  if (tf.findBackend('tensorflow') as unknown) tf.removeBackend('tensorflow'); // may be null, despite its type
  for (const { kernelName } of tf.getKernelsForBackend('tensorflow')) tf.unregisterKernel(kernelName, 'tensorflow');
});

/** tfjs's own JavaScript backend under the name that tfjs-node registers. */
const INDEX = `
  const tf = require('@tensorflow/tfjs');
  if (require('@tensorflow/tfjs-core').Tensor !== tf.Tensor) throw new Error('two tfjs');
  tf.copyRegisteredKernels('cpu', 'tensorflow');
  const Backend = tf.findBackend('cpu').constructor;
  tf.registerBackend('tensorflow', () => new Backend(), 3);
`;

/** A project with a fake tfjs-node, and its own tfjs, which must not be loaded. */
async function project({ index = INDEX, binding = true }: { index?: string; binding?: boolean } = {}): Promise<{
  root: string;
  from: string[];
  made: string;
}> {
  const root = join(folder, `project-${count++}`);
  const made = join(root, 'node_modules', '@tensorflow', 'tfjs-node');
  await mkdir(join(made, 'lib', 'napi-v8'), { recursive: true });
  await writeFile(join(root, 'package.json'), '{}');
  await writeFile(join(made, 'package.json'), JSON.stringify({ name: '@tensorflow/tfjs-node', main: 'index.js' }));
  await writeFile(join(made, 'index.js'), index);
  if (binding) await writeFile(join(made, 'lib', 'napi-v8', 'tfjs_binding.node'), '');
  for (const name of ['tfjs', 'tfjs-core']) {
    const second = join(root, 'node_modules', '@tensorflow', name);
    await mkdir(second);
    await writeFile(join(second, 'package.json'), JSON.stringify({ name: `@tensorflow/${name}`, main: 'index.js' }));
    await writeFile(join(second, 'index.js'), `throw new Error('a second ${name} was loaded')`);
  }
  return { root, from: [join(root, 'package.json')], made };
}

const refused = (why: RegExp): RegExp =>
  new RegExp(
    `^engine 'tfjs': @tensorflow/tfjs-node cannot be used \\(${why.source}\\); training in plain JavaScript.*node scripts/tfjs-node\\.mjs`,
  );

describe('useTfjsNode', () => {
  it("finds the package from the user's folder and gives it this tfjs, not the project's", async () => {
    const { from } = await project();
    expect(await useTfjsNode({ from })).toBeUndefined();
    expect(tf.getBackend()).toBe('tensorflow');
    expect(tf.tensor([1]).add(1)).toBeInstanceOf(tf.Tensor);
    expect(await useTfjsNode({ from: [] }), 'once registered, nothing is looked for').toBeUndefined();
  });

  it.each(['package', 'project'])('uses only FORJA_TFJS_NODE, the folder of the %s', async (kind) => {
    const { root, made, from } = await project();
    vi.stubEnv('FORJA_TFJS_NODE', kind === 'package' ? made : root);
    expect(await useTfjsNode({ from: [] })).toBeUndefined();
    await tf.setBackend('cpu');
    tf.removeBackend('tensorflow');
    vi.stubEnv('FORJA_TFJS_NODE', join(root, 'nothing'));
    expect(await useTfjsNode({ from })).toMatch(
      refused(
        /expected FORJA_TFJS_NODE to be the folder of @tensorflow\/tfjs-node or of a project that has it, got .*nothing/,
      ),
    );
  });

  it('skips a package without a binding', async () => {
    const [without, whole] = [await project({ binding: false }), await project()];
    expect(await useTfjsNode({ from: [...without.from, ...whole.from] })).toBeUndefined();
  });

  it.each<[string, Parameters<typeof project>[0], RegExp]>([
    ['has no binding', { binding: false }, /its native binding is missing in .*tfjs-node/],
    ['throws', { index: "throw new Error('libtensorflow.so: cannot open\\nmore')" }, /libtensorflow\.so: cannot open/],
    ['registers nothing', { index: '' }, /it did not register the backend 'tensorflow'/],
    [
      'computes wrongly',
      {
        index: `${INDEX} tf.unregisterKernel('Add', 'tensorflow'); tf.registerKernel({ kernelName: 'Add', backendName: 'tensorflow', kernelFunc: ({ inputs, backend }) => backend.makeTensorInfo([3], 'float32', new Float32Array([1, 1, 1])) });`,
      },
      /expected the sum 2,4,6 in a tensor of this tfjs, got 1,1,1/,
    ],
  ])('says why, and goes on in JavaScript, when it %s', async (_, made, why) => {
    const { from } = await project(made);
    expect(await useTfjsNode({ from })).toMatch(refused(why));
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.tensor([1]).add(1).dataSync()).toEqual(Float32Array.of(2));
  });

  it('refuses, before loading, a Node without functions that the package calls', async () => {
    const { from } = await project({ index: "throw new Error('it was loaded')" });
    const dropped = Reflect.get(util, 'isNullOrUndefined') as unknown;
    Reflect.deleteProperty(util, 'isNullOrUndefined'); // as in Node 23
    try {
      expect(await useTfjsNode({ from })).toMatch(
        refused(/it needs Node 22 or older, got [\d.]+, which dropped util\.isNullOrUndefined/),
      );
    } finally {
      if (dropped !== undefined) Reflect.set(util, 'isNullOrUndefined', dropped);
    }
  });

  it('says that it is not installed', async () => {
    expect(await useTfjsNode({ from: [] })).toMatch(refused(/it is not installed/));
  });
});
