// Conformance: inputs and outputs of runs.
import type { Runtime } from '../runtime/session.js';
import type { DType } from '../tensor.js';
import type { Check } from './contract.js';
import { attempt, elements, float32, of, plain } from './contract.js';
import { copyModel, nextModel, pairModel, pairOf } from './models.js';

/** Values that would reveal a lost bit: extremes, signed zeros, infinities, subnormals, fractions. */
const SAMPLES: Readonly<Record<DType, readonly (number | bigint)[]>> = {
  float32: [0, -0, 1.5, Infinity, -Infinity, 2 ** -149, 3.4028234663852886e38],
  // Bit patterns: 1, -0, infinity, the smallest and the largest number.
  float16: [0x3c00, 0x8000, 0x7c00, 0x0001, 0x7bff],
  int32: [0, -1, 2 ** 31 - 1, -(2 ** 31)],
  int64: [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n],
  uint8: [0, 1, 255],
  int8: [0, -128, 127],
  bool: [1, 0, 1],
};

async function carries(runtime: Runtime, dtype: DType): Promise<unknown> {
  const session = await runtime.createSession(copyModel(dtype));
  const { y } = await session.run({ x: of(dtype, [SAMPLES[dtype].length], SAMPLES[dtype]) });
  return { inputs: session.inputs, dtype: y?.dtype, values: elements(y) };
}

/** Checks of runs that succeed. */
export function runChecks(without: readonly string[]): Record<string, Check> {
  const dtypes = (Object.keys(SAMPLES) as DType[]).filter((dtype) => !without.includes(dtype)); // the record's own keys
  return {
    'a session describes its inputs, outputs and device': async (runtime, same) => {
      const { inputs, outputs, device } = await runtime.createSession(pairModel());
      const spec = (name: string): unknown => ({ name, dtype: 'float32', shape: ['batch', 3] });
      same(inputs, [spec('x'), spec('y')]);
      same(outputs, [spec('sum'), spec('difference')]);
      same(
        { known: typeof device.actual, threads: device.threads >= 1, reasons: Array.isArray(device.reasons) },
        { known: 'string', threads: true, reasons: true },
      );
      same(runtime.device, device);
    },
    'inputs and outputs are matched by name, in any order, at any size of a dynamic dimension': async (
      runtime,
      same,
    ) => {
      const session = await runtime.createSession(pairModel());
      for (const batch of [1, 4, 2]) {
        const result = await session.run({ y: float32([batch, 3], 1), x: float32([batch, 3], 5) });
        const all = (value: number): unknown => ({
          dtype: 'float32',
          shape: [batch, 3],
          values: new Array<number>(batch * 3).fill(value),
        });
        same(plain(result), { sum: all(6), difference: all(4) });
      }
    },
    'dynamic sizes without a name are independent of each other': async (runtime, same) => {
      // Four ways to write a dynamic size that identifies nothing: absent, -1, an empty name, '?'.
      for (const dim of [{}, { value: -1n }, { param: '' }, { param: '?' }]) {
        const session = await runtime.createSession(pairOf([dim, { value: 3n }]));
        same(
          session.inputs.map(({ name, shape }) => [name, ...shape]),
          [
            ['x', 'x_dim_0', 3],
            ['y', 'y_dim_0', 3],
          ],
        );
        const { sum, difference } = await session.run({ x: float32([2, 3], 5), y: float32([1, 3], 1) });
        same([elements(sum), elements(difference)], [new Array(6).fill(6), new Array(6).fill(4)]);
        await session.dispose();
      }
    },
    'an input without a shape takes any': async (runtime, same) => {
      const session = await runtime.createSession(pairOf(undefined));
      same(session.inputs[0], { name: 'x', dtype: 'float32', shape: [], unranked: true });
      for (const shape of [[3], [2, 1, 2], []]) {
        const { sum } = await session.run({ x: float32(shape, 5), y: float32(shape, 1) });
        same(sum && plain({ sum }), { sum: plain({ sum: float32(shape, 6) })['sum'] });
      }
    },
    'an input of no dimensions takes a scalar only': async (runtime, same) => {
      const session = await runtime.createSession(pairOf([]));
      same(session.inputs[0], { name: 'x', dtype: 'float32', shape: [] });
      same(elements((await session.run({ x: float32([], 5), y: float32([], 1) }))['sum']), [6]);
      same(await attempt(() => session.run({ x: float32([1], 5), y: float32([], 1) })), 'input.shape');
    },
    'only the outputs asked for come back': async (runtime, same) => {
      const session = await runtime.createSession(pairModel());
      const feeds = { x: float32([1, 3], 2), y: float32([1, 3], 1) };
      same(plain(await session.run(feeds, { outputs: ['difference'] })), {
        difference: { dtype: 'float32', shape: [1, 3], values: [1, 1, 1] },
      });
      same(Object.keys(await session.run(feeds, { outputs: ['difference', 'sum'] })).sort(), ['difference', 'sum']);
    },
    ...Object.fromEntries(
      dtypes.map((dtype): [string, Check] => [
        `${dtype} is passed in and out bit for bit`,
        async (runtime, same) => {
          same(await carries(runtime, dtype), {
            inputs: [{ name: 'x', dtype, shape: ['n'] }],
            dtype,
            values: [...SAMPLES[dtype]],
          });
        },
      ]),
    ),
    'int64 is computed exactly': async (runtime, same) => {
      const session = await runtime.createSession(nextModel());
      same(elements((await session.run({ x: of('int64', [2], [2n ** 53n, -1n]) }))['y']), [2n ** 53n + 1n, 0n]);
    },
    'feeds are left unchanged, may be views, and may be overwritten as soon as run() returns its promise': async (
      runtime,
      same,
    ) => {
      const session = await runtime.createSession(pairModel());
      const memory = new Float32Array(32).fill(9);
      const view = memory.subarray(7, 10);
      view.set([1, 2, 3]);
      const y = float32([1, 3], 10);
      const running = session.run({ x: { dtype: 'float32', shape: [1, 3], data: view }, y });
      view.fill(100);
      same(elements((await running)['sum']), [11, 12, 13]);
      same([memory.length, memory[0], view[0], ...elements(y)], [32, 9, 100, 10, 10, 10]);
    },
    'results are the caller’s own': async (runtime, same) => {
      const session = await runtime.createSession(pairModel());
      const feeds = { x: float32([1, 3], 2), y: float32([1, 3], 1) };
      const first = await session.run(feeds);
      const second = await session.run({ ...feeds, x: float32([1, 3], 7) });
      (first['sum']?.data as Float32Array).fill(0); // the model's outputs are float32
      same(
        [elements(second['sum']), elements((await session.run(feeds))['sum'])],
        [
          [8, 8, 8],
          [3, 3, 3],
        ],
      );
    },
    'overlapping runs of two sessions each get their own result': async (runtime, same) => {
      const [a, b] = await Promise.all([runtime.createSession(pairModel()), runtime.createSession(nextModel())]);
      const runs = [0, 1, 2, 3].map((i) =>
        i % 2 === 0 ? a.run({ x: float32([1, 3], i), y: float32([1, 3], 1) }) : b.run({ x: of('int64', [1], [i]) }),
      );
      const results = await Promise.all(runs);
      same(
        results.map((result) => elements(result['sum'] ?? result['y'])),
        [[1, 1, 1], [2n], [3, 3, 3], [4n]],
      );
    },
    'a session with other options gives the same result': async (runtime, same) => {
      const session = await runtime.createSession(pairModel(), { threads: 1, spinning: false });
      same(elements((await session.run({ x: float32([1, 3], 2), y: float32([1, 3], 1) }))['sum']), [3, 3, 3]);
      // If one thread pool serves all sessions, the report gives its size, not the number asked for.
      same([1, runtime.device.threads].includes(session.device.threads), true);
    },
  };
}
