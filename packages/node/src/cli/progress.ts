// Progress: a bar that redraws itself on a terminal, plain lines elsewhere.
import type { CliProgress } from '@forja/core';

/** The output stream: stderr, so that stdout stays clean for pipes. */
export interface ProgressSink {
  write(text: string): unknown;
  readonly columns?: number | undefined;
}

const WIDTH = 24;
/** Milliseconds between two redraws, and between two plain lines. */
const REDRAW = 80;
const LINE = 10_000;

/** A bar for terminals. */
export function barProgress(sink: ProgressSink, total: number, title: string, now: () => number): CliProgress {
  let drawn = -Infinity;
  const draw = (done: number, text: string): void => {
    const share = total > 0 ? Math.min(done / total, 1) : 1;
    const full = Math.round(share * WIDTH);
    const line =
      `${title} ${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${String(Math.floor(share * 100)).padStart(3)} %  ` +
      `${text}`;
    sink.write(`\r\x1b[2K${line.slice(0, Math.max((sink.columns ?? 80) - 1, 20))}`);
  };
  return {
    update(done, text = '') {
      if (now() - drawn < REDRAW && done < total) return;
      drawn = now();
      draw(done, text);
    },
    stop(text) {
      sink.write('\r\x1b[2K');
      if (text !== undefined) sink.write(`${text}\n`);
    },
  };
}

/** For logs: a line at the start, at every tenth of the work, and at least every ten seconds. */
export function lineProgress(sink: ProgressSink, total: number, title: string, now: () => number): CliProgress {
  let tenth = -1;
  let written = -Infinity;
  return {
    update(done, text = '') {
      const reached = total > 0 ? Math.floor((10 * done) / total) : 10;
      if (reached === tenth && now() - written < LINE) return;
      tenth = reached;
      written = now();
      sink.write(`${title} ${done}/${total}${text === '' ? '' : `  ${text}`}\n`);
    },
    stop(text) {
      if (text !== undefined) sink.write(`${text}\n`);
    },
  };
}

/** Prints nothing; used with `--json`. */
export const noProgress: CliProgress = { update: () => undefined, stop: () => undefined };
