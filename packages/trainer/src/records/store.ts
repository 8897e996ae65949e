// Where a run keeps its files: the contract, and a store in memory. The store on disk is node/folder-store.ts.
import type { Image } from '@forja/core';

/** A line of the log. `seconds` and `images_per_s` are time fields: all others are equal in equal runs. */
export interface LogLine {
  /** Steps done. */
  step: number;
  /** Scalars that the phases of the step returned, by name; none from phases that did not run. */
  scalars: Readonly<Record<string, number>>;
  /** The system's schedules at the step, by name. */
  rates: Readonly<Record<string, number>>;
  images_per_s: number;
  seconds: number;
}

/** The environment of one session of a run (from its start or a resume). */
export interface SessionRecord {
  fromStep: number;
  device: string;
  environment: Record<string, string>;
}

/** Files of a run that are written whole. */
export type RunFile = 'config.json' | 'sessions.json' | 'report.html' | `${string}.onnx`;

/** What a run writes to. Each call is awaited before the next. */
export interface RunStore {
  /** For people: the folder's path. */
  readonly where: string;
  log(line: LogLine): Promise<void>;
  /** A grid of samples; `output` names the generator if it is not the system's first. */
  sample(step: number, picture: Image, output?: string): Promise<void>;
  /** When it resolves, the checkpoint and the log so far are safe on disk. The last two are kept. */
  checkpoint(step: number, bytes: Uint8Array): Promise<void>;
  write(name: RunFile, content: string | Uint8Array): Promise<void>;
  /** Forgets log lines and grids after a step, to which the run goes back. */
  dropAfter?(step: number): Promise<void>;
  /** The log so far. */
  lines(): Promise<LogLine[]>;
  /** Grids of the first generator so far as PNG files, by step. */
  samples(): Promise<{ step: number; png: Uint8Array }[]>;
  sessions(): Promise<SessionRecord[]>;
}

/** A store in memory: what `train` uses in a page, and in tests. */
export class MemoryStore implements RunStore {
  readonly where = 'memory';
  readonly files: Map<RunFile, string | Uint8Array> = new Map();
  readonly checkpoints: Map<number, Uint8Array> = new Map();
  readonly #lines: LogLine[] = [];
  readonly #samples: { step: number; png: Uint8Array }[] = [];

  log(line: LogLine): Promise<void> {
    this.#lines.push(line);
    return Promise.resolve();
  }

  async sample(step: number, picture: Image, output?: string): Promise<void> {
    if (output === undefined) this.#samples.push({ step, png: await picture.toPNG() });
  }

  checkpoint(step: number, bytes: Uint8Array): Promise<void> {
    this.checkpoints.set(step, bytes);
    for (const old of [...this.checkpoints.keys()].sort((a, b) => a - b).slice(0, -2)) this.checkpoints.delete(old);
    return Promise.resolve();
  }

  write(name: RunFile, content: string | Uint8Array): Promise<void> {
    this.files.set(name, content);
    return Promise.resolve();
  }

  dropAfter(step: number): Promise<void> {
    for (const list of [this.#lines, this.#samples] as { step: number }[][])
      list.splice(0, list.length, ...list.filter((one) => one.step <= step));
    return Promise.resolve();
  }

  lines(): Promise<LogLine[]> {
    return Promise.resolve([...this.#lines]);
  }

  samples(): Promise<{ step: number; png: Uint8Array }[]> {
    return Promise.resolve([...this.#samples]);
  }

  sessions(): Promise<SessionRecord[]> {
    return Promise.resolve(
      JSON.parse((this.files.get('sessions.json') as string | undefined) ?? '[]') as SessionRecord[],
    ); // written by train.ts
  }
}
