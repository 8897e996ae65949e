// A local page that shows a run while it trains: serves its report on loopback and pushes changes to it. Updates are
// made only while a page is open, and take at most 5 % of the time.
import { setTimeout as wait } from 'node:timers/promises';
import { optionsOf, UsageError } from '@forja/core';
import type { LocalDocument } from '@forja/node/serve';
import { gridHtml, partsOf, type ReportData, type ReportParts } from '../report/parts.js';
import { livePage } from '../report/report.js';
import type { TrainEvent } from '../train/events.js';
import type { LiveRun } from '../train/train.js';
import { duration } from './duration.js';

/** Where the page is served, and how often it is updated. */
export interface WatchOptions {
  /** Port on 127.0.0.1; default 0, a free one. */
  port?: number;
  /** Minimum milliseconds between two updates; default 1000. */
  everyMs?: number;
}

/** A message to the page; fields that have not changed are left out. `steps` are those of all grids. */
export interface WatchMessage {
  readonly status: string;
  readonly state: 'training' | 'finished' | 'interrupted' | 'failed';
  readonly html?: Partial<ReportParts['html']>;
  readonly plots?: ReportParts['plots'];
  readonly grids?: readonly { readonly step: number; readonly html: string }[];
  readonly steps?: readonly number[];
}

/** A run that is watched. */
export interface Watch {
  /** Address of the page. */
  readonly url: string;
  onReady(run: LiveRun): void;
  onEvent(event: TrainEvent): void;
  /** Sends the final state to the pages, with the error if the run failed, and closes. */
  close(error?: unknown): Promise<void>;
}

/**
 * The pause between two updates is at least this many times the duration of one, so that they take at most 5 % of the
 * time.
 */
const SHARE = 20;

interface Shown extends ReportParts {
  readonly samples: ReportData['samples'];
}

/**
 * Serves the page.
 * @throws ForjaError `io` if the port is unavailable.
 */
export async function openWatch(options: WatchOptions): Promise<Watch> {
  const { port = 0, everyMs = 1000 } = optionsOf('watch', options, 'everyMs port');
  if (!(everyMs >= 0))
    throw new UsageError(`watch.everyMs: expected milliseconds, 0 or more, got ${everyMs}`, { code: 'input.range' });
  const { serveLocalPage } = await import('@forja/node/serve'); // loaded on first use, because it loads an HTTP library
  let run: LiveRun | undefined;
  let status = 'about to start';
  let state: WatchMessage['state'] = 'training';
  let closed = false;
  /** Counts events; pages wait for the next one. */
  let version = 0;
  let wake = (): void => {};
  let change = new Promise<void>((done) => (wake = done));
  const wakeAll = (): void => {
    wake();
    change = new Promise((done) => (wake = done));
  };
  const changed = (): void => {
    version++;
    wakeAll();
  };

  let shown: { version: number; parts: Promise<Shown | undefined> } | undefined;
  /** When the next update may be made, in the time of `performance.now()`. */
  let free = 0;
  const make = async (): Promise<Shown | undefined> => {
    const begun = performance.now();
    // errors are ignored: if the run cannot read its files, it fails by itself
    const data = await run?.report().catch(() => undefined);
    const parts = data && { ...(await partsOf(data)), samples: data.samples };
    const now = performance.now();
    free = now + Math.max(everyMs, SHARE * (now - begun));
    return parts;
  };
  /** The current parts of the page, computed once for all open pages. */
  const current = (): Promise<Shown | undefined> => {
    if (shown?.version !== version) shown = { version, parts: make() };
    return shown.parts;
  };

  async function document(): Promise<LocalDocument> {
    while (run === undefined && !closed) await change;
    if (run === undefined) throw new Error('the run ended before its first step');
    const then = status; // read first, so that the page never shows a status newer than its parts
    return livePage(await run.report(), then);
  }

  const ended = new AbortController();
  async function* messages(gone: AbortSignal): AsyncGenerator<string> {
    gone.addEventListener('abort', wakeAll);
    const hurry = AbortSignal.any([gone, ended.signal]);
    const news = newsFor();
    for (let last = -1; !gone.aborted;) {
      if (version === last) {
        await change;
        continue;
      }
      const pause = free - performance.now();
      if (pause > 0) await wait(pause, undefined, { signal: hurry, ref: false }).catch(() => undefined); // cut short
      last = version;
      const head = { status, state }; // read before the parts, which may then be newer but never older
      const parts = await current();
      if (gone.aborted) return;
      yield JSON.stringify({ ...head, ...(parts && news(parts)) } satisfies WatchMessage);
      if (closed && last === version) return;
    }
  }

  const page = await serveLocalPage({ document, messages }, { port });
  return {
    url: page.url,
    onReady: (ready) => {
      run = ready;
      changed();
    },
    onEvent: (event) => {
      status = statusOf(event) ?? status;
      if (event.type === 'end') state = event.reason;
      changed();
    },
    close: async (error) => {
      if (error !== undefined) {
        state = 'failed';
        status = `failed: ${error instanceof Error ? error.message : String(error)}`;
      }
      closed = true;
      changed();
      ended.abort();
      await page.close();
    },
  };
}

/** Returns a function that selects the parts that one page has not been sent yet. */
function newsFor(): (parts: Shown) => Pick<WatchMessage, 'html' | 'plots' | 'grids' | 'steps'> {
  const sent = new Map<string, string>();
  const grids = new Map<number, Uint8Array>();
  const isNew = (name: string, text: string): boolean => sent.get(name) !== text && Boolean(sent.set(name, text));
  return ({ html, plots, samples }) => {
    const changed = samples.filter(({ step, png }) => Buffer.compare(grids.get(step) ?? Buffer.alloc(0), png) !== 0);
    for (const { step, png } of changed) grids.set(step, png);
    return {
      html: Object.fromEntries(Object.entries(html).filter(([name, text]) => isNew(name, text))),
      ...(isNew('plots', JSON.stringify(plots)) ? { plots } : {}),
      grids: changed.map((sample) => ({ step: sample.step, html: gridHtml(sample) })),
      steps: samples.map(({ step }) => step),
    };
  };
}

/** The run's status as one line, by type of event. */
const STATUS: { readonly [T in TrainEvent['type']]?: (event: Extract<TrainEvent, { type: T }>) => string } = {
  step: ({ step, steps, images_per_s: speed, left }) =>
    `step ${step} of ${steps}, ${speed.toFixed(0)} images/s, ${duration(left)} left`,
  export: ({ file }) => `writing ${file}`,
  end: ({ step, reason }) =>
    reason === 'finished' ? `finished after step ${step}` : `stopped after step ${step}, saved`,
};

function statusOf(event: TrainEvent): string | undefined {
  return (STATUS[event.type] as ((event: TrainEvent) => string) | undefined)?.(event); // the entry for this type
}
