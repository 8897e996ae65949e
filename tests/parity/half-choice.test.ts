// The choice of a precision, as the executors of both packages make it, with onnxruntime-node's sessions on the CPU in
// the place of a GPU's: real conversions, judged by the golden check. In a browser: tests/browser/formats.test.ts.
import { DeviceError, inPrecision, type Comparable, type DeviceReport, type NamedTensors } from '@forja/core';
import type { PrecisionRequest, TensorSpec } from '@forja/core';
import { encodeModel, GraphBuilder, halfModelBytes } from '@forja/core/onnx';
import { runtime } from '@forja/node';
import { afterAll, expect, test } from 'vitest';

const rt = runtime({ device: 'cpu', threads: 1 });
afterAll(() => rt.dispose());

/** z [batch, 16] → two dense layers → tanh, `gain` times too large in between. */
function dense(gain: number): Uint8Array {
  const wave = (count: number, scale: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) * scale);
  const g = new GraphBuilder();
  const middle = g.op('MatMul', [
    g.input('z', 'float32', ['batch', 16]),
    g.constant('float32', [16, 64], wave(1024, gain)),
  ]);
  g.output('image', g.op('Tanh', [g.op('MatMul', [middle, g.constant('float32', [64, 32], wave(2048, 0.1 / gain))])]));
  return encodeModel(g.build());
}

class Opened implements Comparable {
  static live = 0;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly device: DeviceReport;
  readonly #session: Awaited<ReturnType<typeof rt.createSession>>;

  private constructor(session: Awaited<ReturnType<typeof rt.createSession>>, cpuOps: string[]) {
    Opened.live++;
    this.#session = session;
    this.inputs = session.inputs;
    this.outputs = session.outputs;
    this.device = { ...session.device, reasons: [], cpuOps };
  }

  static async of(model: Uint8Array, cpuOps: string[] = []): Promise<Opened> {
    return new Opened(await rt.createSession(model), cpuOps);
  }

  run(feeds: NamedTensors, outputs: readonly string[]): Promise<NamedTensors> {
    return this.#session.run(feeds, { outputs: [...outputs] });
  }

  async release(): Promise<void> {
    Opened.live--;
    await this.#session.dispose();
  }
}

/** The choice for `dense(1)` on a device that computes in half precision. */
const choose = (exact: Opened, more: Partial<PrecisionRequest<Opened>>): Promise<Opened> =>
  inPrecision(exact, {
    asked: 'fp16',
    strict: false,
    model: dense(1),
    obstacle: undefined,
    openHalf: () => Opened.of(halfModelBytes(dense(1))!),
    ...more,
  });

test('a model whose pictures stay the same is used in half precision, and the float32 one released', async () => {
  const half = halfModelBytes(dense(1))!;
  expect(half.length).toBeLessThan(dense(1).length * 0.6);
  const taken = await choose(await Opened.of(dense(1)), { openHalf: () => Opened.of(half), strict: true });
  expect([taken.device.reasons, Opened.live]).toEqual([[], 1]);
  await taken.release();
});

test.each<[string, () => Promise<Opened | undefined>, RegExp]>([
  ['has nothing to convert', () => Promise.resolve(undefined), /because none of its weights can be in half precision$/],
  [
    'gives other pictures',
    () =>
      Opened.of(
        halfModelBytes(dense(1))!.map((byte, i, all) => (i > all.length - 3000 && i % 7 === 0 ? byte ^ 4 : byte)),
      ),
    /^precision: fp32, because (half precision gives 'image' at .* dB, where 45 dB are required|the check failed: )/,
  ],
  ['is not finite', () => Opened.of(dense(3e38)), /at -Infinity dB/],
  [
    'cannot be opened',
    () => Opened.of(new Uint8Array(9)),
    /^precision: fp32, because the check failed: .*expected an ONNX model/,
  ],
  [
    'runs on the CPU in part',
    () => Opened.of(halfModelBytes(dense(1))!, ['Tanh']),
    /^precision: fp32, because Tanh would run on the CPU$/,
  ],
])('one that %s is not, and the report says so', async (_, openHalf, reason) => {
  const exact = await Opened.of(dense(1));
  expect(await choose(exact, { openHalf })).toBe(exact);
  expect([exact.device.reasons, Opened.live]).toEqual([[expect.stringMatching(reason)], 1]);
  await exact.release();
  await expect(choose(await Opened.of(dense(1)), { openHalf, strict: true })).rejects.toMatchObject({
    code: 'device.unavailable',
  });
  expect(Opened.live).toBe(0);
});

test('obstacles of the device or the file are reported, and refused with strict', async () => {
  const half = halfModelBytes(dense(1))!;
  const cases: [Partial<PrecisionRequest<Opened>>, string][] = [
    [{ obstacle: 'the abacus has no halves' }, 'precision: fp32, because the abacus has no halves'],
    [{ asked: 'fp32', model: half }, 'precision: fp16, because the file has fp16 weights; export it in float32'],
  ];
  for (const [request, reason] of cases) {
    const exact = await Opened.of(request.model ?? dense(1));
    expect((await choose(exact, request)).device.reasons).toEqual([reason]);
    await expect(choose(exact, { ...request, strict: true })).rejects.toMatchObject({ code: 'device.unavailable' });
  }
  expect(Opened.live).toBe(0);
  const exact = await Opened.of(dense(1));
  for (const request of [{ asked: 'auto' }, { asked: 'fp32' }, { model: half }] as const)
    expect(await choose(exact, { ...request, strict: true })).toBe(exact);
  expect(exact.device.reasons).toEqual([]);
  await exact.release();
});

test('a device lost meanwhile is reported as lost', async () => {
  const exact = await Opened.of(dense(1));
  const openHalf = (): Promise<Opened> => Promise.reject(new DeviceError('device.lost', 'gone'));
  await expect(choose(exact, { openHalf })).rejects.toMatchObject({
    code: 'device.lost',
  });
  await exact.release();
});
