// Models that share a worker, leftovers after disposal, and handles dropped without dispose().
import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { RuntimeEvent } from '@forja/core';
import * as ort from 'onnxruntime-node';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Scripts, smallGenerator, Workers } from '../vitest.support.js';
import { load } from './index.js';

const model = smallGenerator(4);
let workers: Workers;
beforeEach(() => (workers = new Workers()));
afterEach(() => workers.stop());

describe('load', () => {
  test('with the same options shares a worker; the last dispose ends it', async () => {
    const [a, b] = await Promise.all([load(model, { device: 'cpu' }), load(model, { device: 'cpu' })]);
    const c = await load(model, { device: 'cpu' });
    expect(workers.counts).toEqual([1, 1]);
    expect((await b.sample({ seed: 3 })).data).toEqual((await a.sample({ seed: 3 })).data);
    await Promise.all([a.dispose(), a.dispose(), c.dispose()]);
    expect(workers.counts).toEqual([1, 1]);
    expect((await b.sample()).count).toBe(1);
    const over = b.dispose();
    // requested before the last lease was released, so it takes over the worker
    const d = await load(model, { device: 'cpu' });
    await over;
    expect(workers.counts).toEqual([1, 1]);
    await d.dispose();
    expect(workers.counts).toEqual([1, 0]);
    await (await load(model, { device: 'cpu' })).dispose();
    expect(workers.counts).toEqual([2, 0]);
  });

  test('with other options has its own worker', async () => {
    const both = await Promise.all([
      load(model, { device: 'cpu', threads: 1 }),
      load(model, { device: 'cpu', threads: 1, timeoutMs: 60_000 }),
    ]);
    expect(workers.counts).toEqual([2, 2]);
    await Promise.all(both.map((generator) => generator.dispose()));
    expect(workers.counts).toEqual([2, 0]);
  });

  test('that fails or is aborted leaves no worker', async () => {
    await expect(load(model, { expect: { precision: 'fp16' } })).rejects.toMatchObject({ code: 'usage' });
    await expect(
      load(model, { manifest: { outputs: [{ name: 'nothing', role: 'image', dtype: 'float32', shape: [1] }] } }),
    ).rejects.toMatchObject({ code: 'usage' });
    await expect.poll(() => workers.live.size).toBe(0);
    const control = new AbortController();
    const loading = load(model, { signal: control.signal });
    setImmediate(() => control.abort());
    await expect(loading).rejects.toMatchObject({ code: 'aborted' });
    await expect.poll(() => workers.live.size).toBe(0);
  });

  test('calls each listener once when the shared worker was replaced, or warns once without listeners', async () => {
    const children: ChildProcess[] = [];
    // Node's documented message of this channel
    const started = (message: unknown): void => void children.push((message as { process: ChildProcess }).process);
    subscribe('child_process', started);
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    const heard: [string, RuntimeEvent][] = [];
    const [one, two] = ['one', 'two'].map((name) => (event: RuntimeEvent) => void heard.push([name, event]));
    const listeners = [one, one, two, undefined, undefined];
    const all = await Promise.all(
      listeners.map((onEvent) => load(model, { device: 'cpu', executor: 'process', ...(onEvent ? { onEvent } : {}) })),
    );
    expect(children).toHaveLength(1);
    const before = (await all[0]!.sample({ seed: 1 })).data;
    children[0]?.kill('SIGSTOP'); // so that it cannot answer before it is ended
    const sampling = all.map((generator) => generator.sample({ seed: 1 }));
    await new Promise(setImmediate); // a run has been sent, so the exit is reported, not a closed channel
    children[0]?.kill('SIGKILL');
    for (const { data } of await Promise.all(sampling)) expect(data).toEqual(before);
    await new Promise(setImmediate); // warnings are emitted in a separate tick
    expect(heard.map(([name, { type }]) => [name, type])).toEqual([
      ['one', 'restarted'],
      ['two', 'restarted'],
    ]);
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^the executor was replaced: .*SIGKILL/),
    ]);
    await Promise.all(all.map((generator) => generator.dispose()));
    process.off('warning', onWarning);
    unsubscribe('child_process', started);
    expect(children.map(({ exitCode, signalCode }) => exitCode ?? signalCode)).toEqual(['SIGKILL', 0]);
  });

  test('200 times with sample and dispose leaves no sessions, workers, listeners or handles', async () => {
    const listeners = (): Record<string, number> =>
      Object.fromEntries(process.eventNames().map((name) => [String(name), process.listenerCount(name)]));
    const handles = (): string[] => process.getActiveResourcesInfo().filter((name) => /Worker|MessagePort/.test(name));
    const live = new Set<ort.InferenceSession>();
    const create = ort.InferenceSession.create.bind(ort.InferenceSession) as (
      model: Uint8Array,
      options?: object,
    ) => Promise<ort.InferenceSession>;
    const spy = vi.spyOn(ort.InferenceSession, 'create').mockImplementation(async (...args: unknown[]) => {
      const session = await create(args[0] as Uint8Array, args[1] as object);
      live.add(session);
      const release = session.release.bind(session);
      session.release = () => release().then(() => void live.delete(session));
      return session;
    });
    const before = [listeners(), handles()];
    const held = await load(model, { device: 'cpu' }); // its worker serves the others
    for (let i = 0; i < 200; i++) {
      const generator = await load(model, { device: 'cpu', executor: i % 2 === 0 ? 'worker' : 'inline' });
      await generator.sample({ seed: i });
      await generator.dispose();
    }
    // the spy sees those in this thread
    expect([spy.mock.calls.length, live.size, ...workers.counts]).toEqual([100, 0, 1, 1]);
    await held.dispose();
    expect(workers.counts).toEqual([1, 0]);
    expect([listeners(), handles()]).toEqual(before);
    spy.mockRestore();
  });
});

describe('handles that are dropped', () => {
  const scripts = new Scripts();
  const path = scripts.file('model.onnx', model);
  afterAll(() => scripts.remove());
  /** Collects until `done` of the script is true. */
  const collect =
    'const collected = async (done) => { for (let i = 0; i < 2000 && !done(); i++) { await new Promise((r) => setTimeout(r, 10)); gc(); } };';
  const script = async (body: string): Promise<{ result: unknown; warnings: string[] }> => {
    const { code, stdout, stderr } = await scripts.run(
      `${collect}
      const warnings = []; process.on('warning', ({ name, message, code }) => warnings.push([name, code, message]));
      const workers = new Set(); process.on('worker', (worker) => { workers.add(worker); worker.once('exit', () => workers.delete(worker)); });
      const path = ${JSON.stringify(path)};
      ${body}`,
      ['--expose-gc', '--no-warnings'],
    );
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as { result: unknown; warnings: string[] };
  };

  test('warn once per place where they were made, and end their worker', async () => {
    const { result, warnings } = await script(`
      async function careless() { const generator = await load(path); await generator.sample(); }
      for (let i = 0; i < 3; i++) await careless();
      const before = workers.size;
      await collected(() => workers.size === 0);
      console.log(JSON.stringify({ result: [before, workers.size], warnings }));`);
    expect(result).toEqual([1, 0]);
    expect(warnings).toEqual([
      [
        'ForjaWarning',
        'forja.dropped',
        expect.stringMatching(
          /a generator was dropped without dispose\(\).*It was made at careless \(.*script-\d+\.mjs:\d+:\d+\)$/,
        ),
      ],
    ]);
  });

  test('do not count as dropped while a part of them is in use', async () => {
    const { result, warnings } = await script(`
      const stream = await load(path).then((generator) => generator.stream({ count: 4 }));
      const sampling = await load(path).then((generator) => [generator.sample({ count: 64 })]);
      let pictures = 0;
      for await (const image of stream) { gc(); await new Promise((r) => setTimeout(r, 5)); pictures += image ? 1 : 0; }
      console.log(JSON.stringify({ result: [pictures, (await sampling[0]).count], warnings: [] }));`);
    expect([result, warnings]).toEqual([[4, 64], []]);
  });

  test('free native sessions, of a live runtime and of a dropped one', async () => {
    const { result, warnings } = await script(`
      let [made, live] = [0, 0];
      const create = ort.InferenceSession.create.bind(ort.InferenceSession);
      ort.InferenceSession.create = async (...args) => {
        const session = await create(...args);
        made++; live++;
        const release = session.release.bind(session);
        session.release = () => release().then(() => void live--);
        return session;
      };
      const { readFileSync } = await import('node:fs');
      const bytes = readFileSync(path);
      const rt = runtime({ device: 'cpu', executor: 'inline', threads: 1 });
      const kept = await rt.createSession(bytes);
      const drop = async (rt) => { await rt.createSession(bytes); };
      for (let i = 0; i < 5; i++) await drop(rt);
      const before = live;
      await collected(() => live === 1);
      const between = live;
      await (async () => { await drop(runtime({ device: 'cpu', executor: 'inline', threads: 1 })); })();
      await collected(() => warnings.some(([, , message]) => message.startsWith('a runtime')));
      await rt.dispose();
      console.log(JSON.stringify({ result: [made, before, between, live, kept.inputs.length], warnings: warnings.map((w) => w[2].slice(0, 30)) }));`);
    expect(result).toEqual([7, expect.any(Number), 1, 0, 1]);
    expect([...new Set(warnings)].sort()).toEqual(['a runtime was dropped without ', 'a session was dropped without ']);
  });

  test('do not warn if they were disposed', async () => {
    const { result, warnings } = await script(`
      const all = [];
      await (async () => { const generator = await load(path); all.push(new WeakRef(generator)); await generator.dispose(); })();
      await (async () => { const rt = runtime({ executor: 'inline' }); all.push(new WeakRef(rt)); const { readFileSync } = await import('node:fs'); all.push(new WeakRef(await rt.createSession(readFileSync(path)))); await rt.dispose(); })();
      await collected(() => all.every((ref) => ref.deref() === undefined));
      console.log(JSON.stringify({ result: all.map((ref) => ref.deref() === undefined), warnings }));`);
    expect([result, warnings]).toEqual([[true, true, true], []]);
  });
});
