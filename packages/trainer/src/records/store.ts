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
  /** Examples a second, over the last steps. */
  images_per_s: number;
  /** Seconds of training so far, in all sessions. */
  seconds: number;
}

/** What a measurement was made with: no score means anything without it. */
export interface MeasureFacts {
  /** Name of what turns pictures into features. */
  readonly extractor: string;
  /** The first characters of the SHA-256 of the extractor's file; '' where there is none. */
  readonly sha256: string;
  /** How pictures became those of the extractor. */
  readonly resize: string;
  /** Made examples, and examples of the data. */
  readonly made: number;
  readonly real: number;
  /** Which examples of the data they were compared with. */
  readonly against: 'train' | 'holdout';
  /** Of the latents. */
  readonly seed: number;
}

/** A line of the measures. `seconds`, what it took, is a time field. */
export interface MeasureLine extends MeasureFacts {
  /** Steps done. */
  readonly step: number;
  /** The generator that was measured. */
  readonly output: string;
  /** Scores by name. */
  readonly scores: Readonly<Record<string, number>>;
  /** Decay of the averaged weights that were measured; 0 for the weights themselves. */
  readonly ema: number;
  /** Seconds that measuring took. */
  readonly seconds: number;
}

/** What went wrong in a run, and what helps. */
export interface Diagnosis {
  /** Steps done when it was seen. */
  readonly step: number;
  /** Such as `mode-collapse`; each is told once a run. */
  readonly name: string;
  /** What goes wrong, with the figures that show it. */
  readonly message: string;
  /** What to do, in words, with the flag where there is one. */
  readonly advice: string;
  /** What is added to the command line, such as `--pack 2`; '' where no option of the system helps. */
  readonly flag: string;
}

/** Where and with what one session of a run (from its start or a resume) was trained. */
export interface SessionRecord {
  /** Step at which it began; 0 for a new run. */
  fromStep: number;
  /** What computed the steps. */
  device: string;
  /** Versions and machine, by name. */
  environment: Record<string, string>;
}

/** Files of a run that are written whole. */
export type RunFile = 'config.json' | 'sessions.json' | 'report.html' | `${string}.onnx`;

/** What a run writes to. Each call is awaited before the next. */
export interface RunStore {
  /** For people: the folder's path. */
  readonly where: string;
  /** Appends a line to the log. */
  log(line: LogLine): Promise<void>;
  /** A grid of samples; `output` names the generator if it is not the system's first. */
  sample(step: number, picture: Image, output?: string): Promise<void>;
  /** When it resolves, the checkpoint and the log so far are safe on disk. The last two are kept. */
  checkpoint(step: number, bytes: Uint8Array): Promise<void>;
  /**
   * Keeps a checkpoint as the best so far. Written before the checkpoint of the same step, after which older ones go:
   * so there is a best one at any moment.
   */
  best(step: number, bytes: Uint8Array): Promise<void>;
  /** The best checkpoint, if any. */
  readBest(): Promise<{ step: number; bytes: Uint8Array } | undefined>;
  /** Appends a line to the measures. */
  measure(line: MeasureLine): Promise<void>;
  /** The measures so far. */
  measures(): Promise<MeasureLine[]>;
  /** Keeps what went wrong. */
  diagnose?(diagnosis: Diagnosis): Promise<void>;
  /** What went wrong so far, in the order in which it was seen. */
  diagnoses?(): Promise<Diagnosis[]>;
  /** Writes a file whole, in place of an older one. */
  write(name: RunFile, content: string | Uint8Array): Promise<void>;
  /** Forgets log lines and grids after a step, to which the run goes back. */
  dropAfter?(step: number): Promise<void>;
  /** The log so far. */
  lines(): Promise<LogLine[]>;
  /** Grids of the first generator so far as PNG files, by step. */
  samples(): Promise<{ step: number; png: Uint8Array }[]>;
  /** The sessions so far, oldest first. */
  sessions(): Promise<SessionRecord[]>;
}

/** A store in memory: what `train` uses in a page, and in tests. */
export class MemoryStore implements RunStore {
  readonly where = 'memory';
  readonly files: Map<RunFile, string | Uint8Array> = new Map();
  readonly checkpoints: Map<number, Uint8Array> = new Map();
  readonly #lines: LogLine[] = [];
  readonly #measures: MeasureLine[] = [];
  readonly #diagnoses: Diagnosis[] = [];
  #best: { step: number; bytes: Uint8Array } | undefined;
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

  best(step: number, bytes: Uint8Array): Promise<void> {
    this.#best = { step, bytes };
    return Promise.resolve();
  }
  readBest(): Promise<{ step: number; bytes: Uint8Array } | undefined> {
    return Promise.resolve(this.#best);
  }
  measure(line: MeasureLine): Promise<void> {
    this.#measures.push(line);
    return Promise.resolve();
  }
  measures(): Promise<MeasureLine[]> {
    return Promise.resolve([...this.#measures]);
  }
  diagnose(diagnosis: Diagnosis): Promise<void> {
    this.#diagnoses.push(diagnosis);
    return Promise.resolve();
  }
  diagnoses(): Promise<Diagnosis[]> {
    return Promise.resolve([...this.#diagnoses]);
  }
  write(name: RunFile, content: string | Uint8Array): Promise<void> {
    this.files.set(name, content);
    return Promise.resolve();
  }

  dropAfter(step: number): Promise<void> {
    for (const list of [this.#lines, this.#measures, this.#diagnoses, this.#samples] as { step: number }[][])
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
