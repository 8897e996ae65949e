// Generator over a fake session with simple arithmetic: merging, splitting, order, refusals, aborts, disposal. Real
// models are in packages/node and tests/browser.
import { describe, expect, test, vi } from 'vitest';
import type { AbortSignalLike, DeviceReport, NamedTensors, RunOptions, Session, TensorSpec } from '../index.js';
import { Generator, latents, latentWalk, manifestFor, toBatch } from '../index.js';
import type { BatchOptions, Manifest } from '../index.js';

// Core compiles without DOM or Node types; its tests run where these globals exist.
interface Control {
  signal: AbortSignalLike;
  abort(reason?: unknown): void;
}
const { AbortController, AbortSignal, setTimeout } = globalThis as unknown as {
  AbortController: new () => Control;
  AbortSignal: { abort(): AbortSignalLike };
  setTimeout(call: () => void, ms: number): void;
};

const SIZE = 4;
const DEVICE: DeviceReport = {
  requested: 'cpu',
  actual: 'cpu',
  reasons: [],
  threads: 1,
  executor: 'inline',
  placement: {},
  cpuOps: [],
};

/**
 * Picture `[2, 2]` of a row: its latent clipped to ±1. A class shifts it. Runs wait for `gate`; a latent above 50
 * fails.
 */
class FakeSession implements Session {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[] = [{ name: 'image', dtype: 'float32', shape: ['batch', 1, 2, 2] }];
  readonly device = DEVICE;
  readonly sizes: number[] = [];
  gate: Promise<void> = Promise.resolve();
  released = 0;
  failure: ((z: Float32Array) => Error | undefined) | undefined;

  [Symbol.asyncDispose] = (): Promise<void> => this.dispose();

  constructor(batch: number | string = 'batch', label?: TensorSpec) {
    this.inputs = [{ name: 'z', dtype: 'float32', shape: [batch, SIZE] }, ...(label ? [label] : [])];
  }

  async run(feeds: NamedTensors, _options?: RunOptions): Promise<NamedTensors> {
    const z = feeds['z']!;
    const rows = z.shape[0]!;
    const values = z.data as Float32Array;
    expect(values.length).toBe(rows * SIZE);
    this.sizes.push(rows);
    await this.gate;
    const failure = this.failure?.(values);
    if (failure) throw failure;
    const y = feeds['y'];
    const shift = (i: number): number => (y ? Number((y.data as BigInt64Array)[Math.floor(i / SIZE)]) / 10 : 0);
    return { image: { dtype: 'float32', shape: [rows, 1, 2, 2], data: values.map((v, i) => v / 4 + shift(i)) } };
  }

  readState(): Promise<NamedTensors> {
    return Promise.resolve({});
  }
  writeState(): Promise<void> {
    return Promise.resolve();
  }
  dispose(): Promise<void> {
    this.released++;
    return Promise.resolve();
  }
}

function make(options: { batch?: BatchOptions; session?: FakeSession; given?: Partial<Manifest> } = {}): {
  generator: Generator;
  session: FakeSession;
} {
  const session = options.session ?? new FakeSession();
  const manifest = manifestFor(options.given, undefined, session.inputs, session.outputs);
  return {
    session,
    generator: new Generator({
      session,
      manifest,
      modelBytes: 123,
      dispose: () => session.dispose(),
      ...(options.batch ? { batch: options.batch } : {}),
    }),
  };
}

/** The fake model's pictures for these latents, converted by core. */
const pictures = (z: Float32Array): Uint8ClampedArray =>
  toBatch(
    { dtype: 'float32', shape: [z.length / SIZE, 1, 2, 2], data: z.map((v) => v / 4) },
    { layout: 'nchw', range: [-1, 1] },
  ).data;
const codes = async (calls: readonly Promise<unknown>[]): Promise<string[]> =>
  (await Promise.allSettled(calls)).map((r) => (r.status === 'fulfilled' ? 'ok' : (r.reason as { code: string }).code));

describe('micro-batching', () => {
  test('calls of one tick share a run, and each gets its own pictures', async () => {
    const { generator, session } = make();
    const batches = await Promise.all([
      generator.sample({ count: 3, seed: 1 }),
      generator.sample({ seed: 2 }),
      generator.sample({ count: 2, seed: 1 }),
    ]);
    expect(session.sizes).toEqual([6]);
    expect(batches.map((b) => b.count)).toEqual([3, 1, 2]);
    expect(batches[0]?.data).toEqual(pictures(latents(1, 0, 3, SIZE)));
    expect(batches[1]?.data).toEqual(pictures(latents(2, 0, 1, SIZE)));
    expect(batches[2]?.data).toEqual(batches[0]?.data.subarray(0, 8));
  });

  test('calls made during a run share the next one', async () => {
    const { generator, session } = make();
    let open = (): void => undefined;
    session.gate = new Promise((resolve) => (open = resolve));
    const first = generator.sample({ seed: 1 });
    await new Promise((resolve) => setTimeout(() => resolve(undefined), 1));
    const rest = [2, 3, 4].map((seed) => generator.sample({ seed }));
    expect(generator.stats()).toMatchObject({ queued: 4, sessions: 1 });
    open();
    await Promise.all([first, ...rest]);
    expect(session.sizes).toEqual([1, 3]);
    expect(generator.stats()).toMatchObject({ runs: 2, images: 4, queued: 0, modelBytes: 123 });
    expect(generator.stats().meanRunMs).toBeGreaterThanOrEqual(0);
  });

  test('a large count is split, gives the same pictures, and does not block small requests', async () => {
    const { generator, session } = make({ batch: { max: 8 } });
    const order: string[] = [];
    const large = generator.sample({ count: 30, seed: 5 }).then((b) => (order.push('large'), b));
    const small = generator.sample({ count: 2, seed: 6 }).then((b) => (order.push('small'), b));
    expect((await large).data).toEqual(pictures(latents(5, 0, 30, SIZE)));
    expect((await small).data).toEqual(pictures(latents(6, 0, 2, SIZE)));
    expect(order).toEqual(['small', 'large']);
    expect(Math.max(...session.sizes)).toBe(8);
    expect(session.sizes.reduce((a, b) => a + b)).toBe(32);
  });

  test('runs never have more pictures than the manifest’s bounds', async () => {
    const { generator, session } = make({ batch: { max: 8 }, given: { bounds: { batch: [1, 3] } } });
    expect((await generator.sample({ count: 7, seed: 5 })).data).toEqual(pictures(latents(5, 0, 7, SIZE)));
    expect(Math.max(...session.sizes)).toBe(3);
    const z = { dtype: 'float32' as const, shape: [4, SIZE], data: new Float32Array(4 * SIZE) };
    await expect(generator.run({ z })).rejects.toMatchObject({ code: 'input.shape' });
  });

  test('waits delayMs for others, but not once the run is full', async () => {
    vi.useFakeTimers();
    const { generator, session } = make({ batch: { max: 4, delayMs: 20 } });
    const first = generator.sample({ count: 1 });
    await vi.advanceTimersByTimeAsync(19);
    const both = Promise.all([first, generator.sample({ count: 1 })]);
    expect(session.sizes).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await both;
    expect(session.sizes).toEqual([2]);
    vi.useRealTimers();
    const patient = make({ batch: { max: 2, delayMs: 60_000 } });
    const waiting = patient.generator.sample({ count: 1 });
    await new Promise((resolve) => setTimeout(() => resolve(undefined), 1));
    await Promise.all([waiting, patient.generator.sample({ count: 1 })]); // else this would time out
    expect(patient.session.sizes).toEqual([2]);
  });

  test('a model with a fixed batch gets exactly that, and surplus pictures are dropped', async () => {
    const { generator, session } = make({ session: new FakeSession(3) });
    const batch = await generator.sample({ count: 4, seed: 9 });
    expect(session.sizes).toEqual([3, 3]);
    expect(batch.data).toEqual(pictures(latents(9, 0, 4, SIZE)));
  });

  test('runs of large pictures have fewer: at most 256 MiB', async () => {
    const session = new FakeSession();
    session.outputs[0] = { name: 'image', dtype: 'float32', shape: ['batch', 1, 4096, 4096] };
    const { generator } = make({ session, batch: { max: 8 } });
    await Promise.all(Array.from({ length: 6 }, () => generator.sample())); // the fake's own pictures are small
    expect(session.sizes).toEqual([4, 2]);
  });

  test('many pixels are converted in several turns of the event loop', async () => {
    const pixels = new Float32Array(6 * 1024 * 1024).map((_, i) => Math.sin(i));
    const session = new FakeSession();
    session.outputs[0] = { name: 'image', dtype: 'float32', shape: ['batch', 1, 1024, 1024] };
    session.run = async () => ({ image: { dtype: 'float32', shape: [6, 1, 1024, 1024], data: pixels } });
    const { generator } = make({ session });
    let [turns, going] = [0, true];
    const turn = (): void => (turns++, void (going && setTimeout(turn, 0)));
    setTimeout(turn, 0);
    const { data } = await generator.sample({ count: 6 });
    going = false;
    expect(turns).toBeGreaterThanOrEqual(5); // one between two pictures
    const whole = toBatch(
      { dtype: 'float32', shape: [6, 1, 1024, 1024], data: pixels },
      { layout: 'nchw', range: [-1, 1] },
    ).data;
    expect(data.length === whole.length && data.every((v, i) => v === whole[i])).toBe(true);
  });

  test('refuses only requests that exceed the queue', async () => {
    const { generator } = make({ batch: { queue: 2 } });
    expect(await codes([generator.sample(), generator.run({ z: new Float32Array(SIZE) }), generator.sample()])).toEqual(
      ['ok', 'ok', 'overloaded'],
    );
    expect(await codes([generator.sample()])).toEqual(['ok']);
  });

  test('an abort affects only its caller, waiting or running', async () => {
    const { generator, session } = make({ batch: { max: 2 } });
    let open = (): void => undefined;
    session.gate = new Promise((resolve) => (open = resolve));
    const control = new AbortController();
    const calls = [
      generator.sample({ count: 3, signal: control.signal }),
      generator.sample({ seed: 3 }),
      generator.sample({ count: 5, signal: control.signal }),
    ];
    await new Promise((resolve) => setTimeout(() => resolve(undefined), 1));
    control.abort(new Error('enough'));
    await expect(calls[0]).rejects.toMatchObject({ code: 'aborted', cause: { message: 'enough' } });
    open();
    expect(await codes(calls)).toEqual(['aborted', 'ok', 'aborted']);
    expect((await calls[1])?.data).toEqual(pictures(latents(3, 0, 1, SIZE)));
    expect(session.sizes).toEqual([2, 1]);
    expect(await codes([generator.sample({ signal: AbortSignal.abort() })])).toEqual(['aborted']);
  });

  test('a run that fails because of one request fails only that request', async () => {
    const { generator, session } = make();
    session.failure = (z) => (z.some((v) => v > 50) ? new RangeError('too large') : undefined);
    const bad = new Float32Array(SIZE).fill(99);
    const results = await Promise.allSettled([
      generator.sample({ seed: 1 }),
      generator.sample({ latents: bad }),
      generator.sample({ seed: 2 }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(session.sizes).toEqual([3, 1, 1, 1]);
    expect(await codes([generator.sample()])).toEqual(['ok']);
  });
});

describe('sample', () => {
  test('takes latents, truncates in both ways, and does not keep the caller’s array', async () => {
    const { generator } = make();
    const z = latents(4, 0, 2, SIZE);
    const promise = generator.sample({ latents: z });
    const expected = pictures(z);
    z.fill(0);
    expect((await promise).data).toEqual(expected);
    expect((await generator.sample({ count: 50, truncation: 0.5 })).data).toEqual(
      pictures(latents(0, 0, 50, SIZE, { truncation: 0.5 })),
    );
    expect((await generator.sample({ count: 50, truncation: { psi: 0.5 } })).data).toEqual(
      pictures(latents(0, 0, 50, SIZE).map((v) => v / 2)),
    );
  });

  test.each([
    [{ count: 0 }, 'input.range'],
    [{ count: 1e9 }, 'input.range'],
    [{ count: 1.5 }, 'input.range'],
    [{ count: -1 }, 'input.range'],
    [{ count: '3' as unknown as number }, 'input.range'],
    [{ seed: -1 }, 'input.range'],
    [{ seed: 0.5 }, 'input.range'],
    [{ seed: 2n ** 64n }, 'input.range'],
    [{ truncation: 0 }, 'input.range'],
    [{ truncation: NaN }, 'input.range'],
    [{ latents: new Float32Array(SIZE + 1) }, 'input.shape'],
    [{ latents: new Float32Array(0) }, 'input.shape'],
    [{ latents: new Float32Array(SIZE), count: 2 }, 'input.shape'],
    [{ latents: new Float32Array(SIZE), truncation: 1 }, 'usage'],
    [{ label: 1 }, 'usage'],
  ])('refuses %o with %s, before anything runs', async (options, code) => {
    const { generator, session } = make();
    await expect(generator.sample(options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/: expected .*, (got|as)/) as string,
    });
    expect(session.sizes).toEqual([]);
    expect(generator.stats().queued).toBe(0);
  });

  test('labels by number and by name; without one, picture i is of class i', async () => {
    const given: Partial<Manifest> = {
      inputs: [{ name: 'y', role: 'label', dtype: 'int64', shape: ['batch'], classes: ['cat', 'dog', 'owl'] }],
    };
    const labelled = (): FakeSession => new FakeSession('batch', { name: 'y', dtype: 'int64', shape: ['batch'] });
    const { generator } = make({ session: labelled(), given });
    const zeros = new Float32Array(4 * SIZE);
    const first = async (label?: number | string): Promise<number[]> => {
      const { data } = await generator.sample({ latents: zeros, ...(label === undefined ? {} : { label }) });
      return [0, 1, 2, 3].map((i) => Math.round((data[i * SIZE]! - 127.5) / 12.75));
    };
    expect(await first(2)).toEqual([2, 2, 2, 2]);
    expect(await first('dog')).toEqual([1, 1, 1, 1]);
    expect(await first()).toEqual([0, 1, 2, 0]);
    expect(
      await codes([
        generator.sample({ label: 3 }),
        generator.sample({ label: -1 }),
        generator.sample({ label: 'cow' }),
      ]),
    ).toEqual(['input.range', 'input.range', 'input.range']);
    const nameless = make({ session: labelled() });
    expect(
      await codes([
        nameless.generator.sample(),
        nameless.generator.sample({ label: 'cat' }),
        nameless.generator.sample({ label: 7 }),
      ]),
    ).toEqual(['usage', 'input.range', 'ok']);
  });

  test('digits as text are the name of a class if one is called so, else its number', async () => {
    const input: Manifest['inputs'][number] = { name: 'y', role: 'label', dtype: 'int64', shape: ['batch'] };
    const labelled = (): FakeSession => new FakeSession('batch', { name: 'y', dtype: 'int64', shape: ['batch'] });
    const classes = ['1', '10', '2']; // as subfolders are sorted
    const { generator } = make({ session: labelled(), given: { inputs: [{ ...input, classes }] } });
    const drawn = async (label: number | string): Promise<number> => {
      const { data } = await generator.sample({ latents: new Float32Array(SIZE), label });
      return Math.round((data[0]! - 127.5) / 12.75);
    };
    expect([await drawn('1'), await drawn('10'), await drawn('2'), await drawn('0')]).toEqual([0, 1, 2, 0]);
    expect([await drawn(1), await drawn(2)]).toEqual([1, 2]);
    await expect(generator.sample({ label: '3' })).rejects.toMatchObject({ code: 'input.range' });
    const nameless = make({ session: labelled() });
    await expect(nameless.generator.sample({ label: '7' })).resolves.toMatchObject({ count: 1 });
  });

  test('too many pictures for an array are refused with the way out', async () => {
    const session = new FakeSession();
    session.outputs[0] = { name: 'image', dtype: 'float32', shape: ['batch', 3, 1024, 1024] };
    await expect(make({ session }).generator.sample({ count: 342 })).rejects.toMatchObject({
      code: 'input.range',
      message: expect.stringMatching(/stream\(\)/) as string,
    });
  });
});

test('a stream gives the pictures of sample in order, ends on count, on break and on abort', async () => {
  const { generator, session } = make();
  const expected = pictures(latents(8, 0, 40, SIZE));
  const seen: number[] = [];
  for await (const image of generator.stream({ seed: 8, count: 40 })) seen.push(...image.data);
  expect(seen).toEqual([...expected]);
  expect(Math.max(...session.sizes)).toBe(16);
  const later: number[] = [];
  for await (const image of generator.stream({ seed: 8, start: 37 })) {
    later.push(...image.data);
    if (later.length === 3 * SIZE) break;
  }
  expect(later).toEqual([...expected.subarray(37 * SIZE)]);
  const control = new AbortController();
  const endless = (async () => {
    let n = 0;
    for await (const _ of generator.stream({ signal: control.signal })) if (++n === 20) control.abort();
  })();
  await expect(endless).rejects.toMatchObject({ code: 'aborted' });
  await expect(generator.stream({ count: 0 }).next()).rejects.toMatchObject({ code: 'input.range' });
});

test('a stream makes at most one run ahead of its consumer', async () => {
  const { generator, session } = make({ batch: { max: 4 } });
  const stream = generator.stream({ seed: 8 });
  const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
  const made: number[] = [];
  for (let taken = 1; taken <= 12; taken++) {
    await stream.next();
    await settled(); // until it has made all that it makes ahead
    made.push(session.sizes.length);
  }
  // Four pictures per run: taking the first of a run starts the next run.
  expect(made).toEqual([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4]);
  await stream.return();
  await settled();
  expect(session.sizes).toHaveLength(4);
  expect(generator.stats().queued).toBe(0);
});

test('a walk goes through the latents of latentWalk', async () => {
  const { generator } = make();
  const ends = [latents(1, 0, 1, SIZE), latents(2, 0, 1, SIZE)];
  expect((await generator.interpolate({ from: 1, to: 2, steps: 7 })).data).toEqual(pictures(latentWalk(ends, 7)));
  expect((await generator.interpolate({ from: 1, to: 2, steps: 8, mode: 'lerp', loop: true })).data).toEqual(
    pictures(latentWalk(ends, 8, { mode: 'lerp', loop: true })),
  );
  expect(
    await codes([
      generator.interpolate({ from: 1, to: 2, steps: 1 }),
      generator.interpolate({ from: -1, to: 2, steps: 3 }),
    ]),
  ).toEqual(['input.range', 'input.range']);
});

test('run takes tensors, data with a shape, and plain arrays', async () => {
  const { generator } = make();
  const z = latents(1, 0, 2, SIZE);
  const results = await Promise.all([
    generator.run({ z: { dtype: 'float32', shape: [2, SIZE], data: z } }),
    generator.run({ z: { shape: [2, SIZE], data: z } }),
    generator.run({ z }),
  ]);
  for (const { image } of results)
    expect(image).toEqual({ dtype: 'float32', shape: [2, 1, 2, 2], data: z.map((v) => v / 4) });
  const reused = Float32Array.from(z);
  const call = generator.run({ z: reused });
  reused.fill(9); // at once: the run has its own copy
  expect((await call)['image']!.data).toEqual(z.map((v) => v / 4));
  expect(await codes([generator.run({ z: { shape: [2, SIZE] } as never }), generator.run({ z: 3 as never })])).toEqual([
    'input.shape',
    'input.shape',
  ]);
});

test('other kinds of models refuse to sample, and name the method to call', async () => {
  const session = new FakeSession();
  const { generator } = make({ session, given: { kind: 'function' } });
  await expect(generator.sample()).rejects.toMatchObject({
    code: 'model.notGenerator',
    message: expect.stringMatching(/run\(feeds\)/) as string,
  });
  await expect(generator.interpolate({ from: 0, to: 1, steps: 2 })).rejects.toMatchObject({
    code: 'model.notGenerator',
  });
  await expect(make().generator.translate({ width: 1, height: 1, data: new Uint8Array(1) })).rejects.toMatchObject({
    code: 'model.notGenerator',
    message: expect.stringMatching(/sample\(\)/) as string,
  });
});

test('dispose lets requests finish, frees once, and refuses later ones; also by `await using`', async () => {
  const { generator, session } = make();
  const last = generator.sample({ count: 100 });
  const [first, second] = [generator.dispose(), generator.dispose()];
  expect((await last).count).toBe(100);
  await Promise.all([first, second]);
  expect(session.released).toBe(1);
  expect(await codes([generator.sample(), generator.run({ z: new Float32Array(SIZE) })])).toEqual([
    'disposed',
    'disposed',
  ]);
  expect(generator.stats()).toMatchObject({ sessions: 0, queued: 0 });
  const other = make();
  const { asyncDispose } = Symbol as unknown as { asyncDispose: symbol };
  await (other.generator as unknown as Record<symbol, () => Promise<void>>)[asyncDispose]!();
  expect(other.session.released).toBe(1);
});

test.each([{ max: 0 }, { max: 1.5 }, { delayMs: -1 }, { delayMs: NaN }, { queue: 0 }])(
  'batch %o is refused',
  (batch) => {
    expect(() => make({ batch })).toRefuse('input.range', /batch\.\w+/);
  },
);
