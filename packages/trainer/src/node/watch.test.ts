// The page of a run in progress, over HTTP while the run waits in its listener: what it is sent, to whom, and that it
// ends with what the report shows.
import { createHash } from 'node:crypto';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ReportParts } from '../report/parts.js';
import type { TrainEvent } from '../train/events.js';
import type { LiveRun } from '../train/train.js';
import { resume, train } from './train.js';
import { openWatch, type WatchMessage } from './watch.js';

const root = await mkdtemp(join(tmpdir(), 'forja-watch-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const tiny = { system: 'mlp', data: 'ring', batch: 8, base: 4, threads: 1, checkpointEvery: 0 } as const;
const metrics = { metrics: ['frechet'] as 'frechet'[], metricsEvery: 3, metricsCount: 50 };

/** What a page shows that applies each message as the page's script does. */
class Page {
  status = '';
  state = '';
  html: Partial<ReportParts['html']> = {};
  plots: ReportParts['plots'] | undefined;
  readonly grids = new Map<number, string>();
  messages = 0;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = '';

  private constructor(reader: ReadableStreamDefaultReader<string>) {
    this.#reader = reader;
  }

  static async open(url: string): Promise<Page> {
    const response = await fetch(new URL('events', url));
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    return new Page(response.body!.pipeThrough(new TextDecoderStream()).getReader());
  }

  /** Takes the next message; false at the end. */
  async next(): Promise<boolean> {
    while (!this.#text.includes('\n\n')) {
      const { done, value } = await this.#reader.read();
      if (done) return false;
      this.#text += value;
    }
    const end = this.#text.indexOf('\n\n');
    const message = JSON.parse(this.#text.slice('data: '.length, end)) as WatchMessage;
    this.#text = this.#text.slice(end + 2);
    this.messages++;
    const { status, state, html = {}, plots, grids = [], steps } = message;
    Object.assign(this, { status, state, html: { ...this.html, ...html }, plots: plots ?? this.plots });
    for (const { step, html: grid } of grids) this.grids.set(step, grid);
    for (const step of this.grids.keys()) if (steps && !steps.includes(step)) this.grids.delete(step);
    return true;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) if (!(await this.next())) throw new Error(`the messages ended: ${this.status}`);
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }
}

/** The status and the text of an answer to a request that names a host. */
const ask = (url: string, path: string, host: string, method = 'GET'): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const sent = request(new URL(path, url), { headers: { host }, method, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject).end();
  });

const plotsIn = (html: string): unknown =>
  JSON.parse(/<script type="application\/json" id="plots">(.*?)<\/script>/.exec(html)?.[1] ?? 'null');

/** What a page is served to whom, and under which policy. */
async function checkServed(url: string): Promise<void> {
  const { host, hostname, port } = new URL(url);
  expect(hostname).toBe('127.0.0.1');
  for (const path of ['/', '/events', '/other'])
    for (const foreign of ['evil.example', `evil.example:${port}`, '127.0.0.1', `127.0.0.1.evil.example:${port}`])
      expect(await ask(url, path, foreign), foreign).toMatchObject({ status: 403 });
  expect(await ask(url, '/', `localhost:${port}`)).toMatchObject({ status: 200 });
  expect(await ask(url, '/report', host)).toMatchObject({ status: 404 });
  expect(await ask(url, '/', host, 'POST')).toMatchObject({ status: 404 });

  const response = await fetch(url);
  const html = await response.text();
  const policy = response.headers.get('content-security-policy') ?? '';
  const allowed = (kind: string): string[] => [...(policy.match(`${kind}-src ([^;]*)`)?.[1]?.split(' ') ?? [])];
  const digest = (text = ''): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  expect(allowed('default')).toEqual(["'none'"]);
  expect(allowed('connect')).toEqual(["'self'"]);
  expect([...html.matchAll(/<script>([^]*?)<\/script>/g)].map(([, code]) => digest(code))).toEqual(allowed('script'));
  expect([...html.matchAll(/<style>([^]*?)<\/style>/g)].map(([, text]) => digest(text))).toEqual(allowed('style'));
  expect(html).not.toMatch(/ (?:style|on[a-z]+)=/);
  expect(response.headers.get('access-control-allow-origin')).toBeNull();
  expect(response.headers.get('cross-origin-resource-policy')).toBe('same-origin');
}

describe('a run that is watched', () => {
  it('shows what comes to this machine alone, and at its end what the report shows', async () => {
    let url = '';
    let page: Page | undefined;
    let leaving: Page | undefined;
    const on: { [T in TrainEvent['type']]?: (event: Extract<TrainEvent, { type: T }>) => Promise<void> | void } = {
      watching: async (event) => {
        ({ url } = event);
        // a port that is taken is refused before anything is written
        const second = (port: number): Promise<unknown> =>
          train({ ...tiny, out: join(root, 'second'), steps: 2 }, { watch: { port } });
        await expect(second(Number(new URL(url).port))).rejects.toMatchObject({ code: 'io' });
        await expect(second(70_000)).rejects.toMatchObject({ code: 'input.range' });
        await expect(access(join(root, 'second'))).rejects.toMatchObject({ code: 'ENOENT' });
      },
      step: async ({ step }) => {
        if (step === 1) await checkServed(url);
        if (step === 2) {
          [page, leaving] = [await Page.open(url), await Page.open(url)];
          await Promise.all([page.until(() => page?.plots?.step.at(-1) === 2), leaving.next()]);
          expect(page.status).toMatch(/^step 2 of 6, \d+ images\/s, 0:\d\d left$/);
          expect([...page.grids.keys()]).toEqual([0]);
          expect(page.html.measures).toBe('');
        }
        if (step === 3) await leaving?.leave();
        if (step === 5) {
          await page?.until(() => page?.plots?.step.at(-1) === 5);
          expect(page?.plots?.columns['loss_g']).toHaveLength(5);
        }
      },
      sample: async ({ step }) => {
        if (step === 4) await page?.until(() => page?.grids.has(4) === true);
      },
      measure: async ({ step, scores }) => {
        if (step === 3) await page?.until(() => page?.plots?.scores.values['frechet']?.[0] === scores['frechet']);
      },
    };
    const out = join(root, 'run');
    const onEvent = (event: TrainEvent): void | Promise<void> =>
      (on[event.type] as ((event: TrainEvent) => void | Promise<void>) | undefined)?.(event);
    const result = await train(
      { ...tiny, ...metrics, out, steps: 6, sampleEvery: 2 },
      { onEvent, watch: { everyMs: 0 } },
    );
    expect(result.reason).toBe('finished');
    if (page === undefined) throw new Error('no page');
    while (await page.next());

    expect(page).toMatchObject({ status: 'finished after step 6', state: 'finished' });
    const report = await readFile(join(out, 'report.html'), 'utf8');
    expect(page.plots).toEqual(plotsIn(report));
    expect(page.plots?.step).toEqual([1, 2, 3, 4, 5, 6]);
    for (const [name, html] of Object.entries(page.html))
      expect(report, name).toContain(`data-part="${name}">${html}</`);
    expect([...page.grids.keys()].sort()).toEqual([0, 2, 4, 6]);
    for (const grid of page.grids.values()) expect(report).toContain(grid);
    expect(page.html.facts).toContain('generator.onnx');
    await expect(fetch(url)).rejects.toThrow();
  });

  it('never shows a status that is newer than its parts', async () => {
    const watch = await openWatch({ everyMs: 0 });
    const asked: (() => void)[] = [];
    const run = { report: () => new Promise((_, reject) => asked.push(() => reject(new Error('no parts')))) };
    watch.onReady(run as unknown as LiveRun);
    const page = await Page.open(watch.url);
    const first = page.next();
    while (asked.length === 0) await new Promise(setImmediate);
    watch.onEvent({ type: 'export', file: 'late.onnx', bytes: 1 }); // comes while the parts are being made
    asked.shift()?.();
    await first;
    expect(page.status).toBe('about to start');
    const second = page.next();
    while (asked.length === 0) await new Promise(setImmediate);
    asked.shift()?.();
    await second;
    expect(page.status).toBe('writing late.onnx');
    const closed = watch.close();
    while (asked.length === 0) await new Promise(setImmediate);
    asked.shift()?.();
    while (await page.next());
    await closed;
  });

  it('says why a run failed, and that a resumed one goes on from its step', async () => {
    const out = join(root, 'failing');
    let page: Page | undefined;
    const failing = train(
      { ...tiny, out, steps: 4, sampleEvery: 0, checkpointEvery: 1 },
      {
        watch: true,
        onEvent: async (event) => {
          if (event.type === 'watching') page = await Page.open(event.url);
          if (event.type === 'step' && event.step === 2) throw new Error('the <disk> is full');
        },
      },
    );
    await expect(failing).rejects.toThrow('the <disk> is full');
    while (await page?.next());
    expect(page).toMatchObject({ state: 'failed', status: 'failed: the <disk> is full' });
    expect(page?.plots?.step).toEqual([1, 2]);

    await resume(out, {
      watch: true,
      onEvent: async (event) => {
        if (event.type === 'watching') page = await Page.open(event.url);
      },
    });
    while (await page?.next());
    expect(page).toMatchObject({ state: 'finished', plots: { step: [1, 2, 3, 4] } });
  });
});
