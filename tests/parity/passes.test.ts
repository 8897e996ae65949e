// The passes do not change results: a network exported by PyTorch, against PyTorch's numbers, and random graphs before
// and after.
import { readFileSync } from 'node:fs';
import { decodeModel, encodeModel, GraphBuilder, optimizeModel } from '@forja/core/onnx';
import type { Model, Value } from '@forja/core/onnx';
import * as ort from 'onnxruntime-node';
import { expect, test } from 'vitest';
import '../matchers.js';

const vector = (name: string) => new URL(`../vectors/${name}`, import.meta.url);
const ops = (model: Model) => (model.graph?.nodes ?? []).map((n) => n.opType ?? '');

async function run(model: Model, feeds: Record<string, ort.Tensor>): Promise<ort.InferenceSession.ReturnType> {
  const session = await ort.InferenceSession.create(encodeModel(model), {
    logSeverityLevel: 4,
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
  });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

test('a PyTorch network loses the transposes that cancel, and keeps its numbers', async () => {
  interface Given {
    shape: number[];
    data: number[];
  }
  const given = JSON.parse(readFileSync(vector('torch-transposes.json'), 'utf8')) as Record<
    'x' | 'picture' | 'flipped',
    Given
  >;
  const model = decodeModel(readFileSync(vector('torch-transposes.onnx')));
  const optimized = optimizeModel(model);
  const count = (m: Model, op: string) => ops(m).filter((o) => o === op).length;
  expect([count(model, 'Transpose'), count(optimized, 'Transpose')]).toEqual([9, 3]);
  expect(count(optimized, 'Identity')).toBe(0);
  expect(optimized.graph?.initializers.length).toBeLessThanOrEqual(model.graph?.initializers.length ?? 0);
  const results = await run(optimized, {
    x: new ort.Tensor('float32', Float32Array.from(given.x.data), given.x.shape),
  });
  for (const name of ['picture', 'flipped'] as const) {
    expect(results[name]?.dims).toEqual(given[name].shape);
    expect(results[name]?.data as Float32Array).toBeAllclose(given[name].data, { atol: 1e-6 });
  }
});

/** Transposes, identities, element-wise ops and equal constants in any combination. */
function tangle(seed: number): Model {
  let state = seed;
  const draw = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const g = new GraphBuilder();
  const perms =
    seed % 2 === 0
      ? [
          [0, 2, 3, 1],
          [0, 3, 1, 2],
          [0, 1, 2, 3],
          [3, 2, 1, 0],
          [1, 0, 2, 3],
        ]
      : [
          [1, 0, 2, 3],
          [1, 0, 2, 3],
          [0, 1, 2, 3],
          [1, 0, 2, 3],
          [0, 1, 3, 2],
        ];
  const values: Value[] = [g.input('x', 'float32', [3, 3, 3, 3]), g.input('z', 'float32', [3, 3, 3, 3])];
  // Mostly the newest, so that chains get long.
  const any = (): Value => values[Math.max(0, values.length - 1 - draw(3))] as Value; // never empty
  for (let i = 0; i < 24; i++) {
    const make: readonly (() => Value)[] = [
      () => g.op('Transpose', [any()], { perm: perms[draw(5)] as number[] }),
      () => g.op('Transpose', [any()], { perm: perms[draw(2)] as number[] }),
      () => g.op('Transpose', [any()]),
      () => g.op('Identity', [any()]),
      () => g.op('Tanh', [any()]),
      () => g.op('Add', [any(), any()]),
      () => g.op('Mul', [any(), g.constant('float32', [], [0.5])]),
      () => g.op('Sub', [any(), g.constant('float32', [3], [1, 2, 3])]),
      () => g.op('Sigmoid', [any()]),
    ];
    values.push((make[draw(make.length)] as () => Value)()); // in range
  }
  g.output('y', values.at(-1) as Value);
  g.output('w', values.at(-2) as Value);
  g.output('v', values[6] as Value);
  return g.build({ valueInfo: true });
}

test('random graphs of transposes, identities and sums give the same numbers with fewer nodes', async () => {
  const data = (shift: number) =>
    new ort.Tensor(
      'float32',
      Float32Array.from({ length: 81 }, (_, i) => Math.sin(i + shift)),
      [3, 3, 3, 3],
    );
  const feeds = { x: data(0), z: data(1) };
  let [before, after] = [0, 0];
  for (let seed = 1; seed <= 250; seed++) {
    const model = tangle(seed);
    const optimized = optimizeModel(model);
    const [a, b] = [await run(model, feeds), await run(optimized, feeds)];
    for (const name of ['y', 'w', 'v']) {
      expect(b[name]?.dims, `seed ${seed}`).toEqual(a[name]?.dims);
      expect(b[name]?.data, `seed ${seed}`).toEqual(a[name]?.data);
    }
    before += ops(model).length;
    after += ops(optimized).length;
    expect(optimizeModel(optimized), `seed ${seed}`).toBe(optimized);
  }
  expect(after).toBeLessThan(before * 0.8);
});
