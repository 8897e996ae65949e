// Where a run keeps its files: the contract, and a store in memory. The store on disk is node/folder-store.ts.
import type { Image } from '@forja/core';

/** A line of the log. All fields but `seconds`, `images_per_s` and `peak_mb` are reproducible. */
export interface LogLine {
  /** Steps done. */
  step: number;
  /** Scalars returned by the phases that ran in the step, by name. */
  scalars: Readonly<Record<string, number>>;
  /** The system's schedules at the step, by name. */
  rates: Readonly<Record<string, number>>;
  /** Examples per second, over the last steps. */
  images_per_s: number;
  /** The most memory (resident set) that the process has had so far, in megabytes, where the host can tell. */
  peak_mb?: number;
  /** Seconds of training so far, in all sessions. */
  seconds: number;
}

/** How a measurement was made: scores are comparable only if these facts are equal. */
export interface MeasureFacts {
  /** Name of the feature extractor. */
  readonly extractor: string;
  /** The first characters of the SHA-256 of the extractor's file; '' without a file. */
  readonly sha256: string;
  /** How pictures were resized for the extractor. */
  readonly resize: string;
  /** Numbers of generated examples and of examples of the data. */
  readonly made: number;
  readonly real: number;
  /** The examples of the data that they were compared with. */
  readonly against: 'train' | 'holdout';
  /** Seed of the latents. */
  readonly seed: number;
}

/** A line of the measures. All fields but the time `seconds` are reproducible. */
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

/** A problem found in a run, and a remedy. */
export interface Diagnosis {
  /** Steps done when it was found. */
  readonly step: number;
  /** Such as `mode-collapse`; each is reported once per run. */
  readonly name: string;
  /** The problem, with the numbers that show it. */
  readonly message: string;
  /** What to do, with the flag if there is one. */
  readonly advice: string;
  /** What to add to the command line, such as `--pack 2`; '' if no option of the system helps. */
  readonly flag: string;
}

/** Device and environment of one session of a run (from its start or a resume). */
export interface SessionRecord {
  /** Step at which it began; 0 for a new run. */
  fromStep: number;
  /** The device that ran the steps. */
  device: string;
  /** Versions and machine, by name. */
  environment: Record<string, string>;
}

/** Files of a run that are written in one piece. */
export type RunFile = 'config.json' | 'sessions.json' | 'report.html' | `${string}.onnx`;

/** Where a run writes its files. Each call is awaited before the next. */
export interface RunStore {
  /** The folder's path, for messages. */
  readonly where: string;
  /** Appends a line to the log. */
  log(line: LogLine): Promise<void>;
  /** Saves a grid of samples; `output` names the generator if it is not the system's first. */
  sample(step: number, picture: Image, output?: string): Promise<void>;
  /** Saves a checkpoint and the log so far: both are on disk when it resolves. The last two checkpoints are kept. */
  checkpoint(step: number, bytes: Uint8Array): Promise<void>;
  /**
   * Keeps a checkpoint as the best so far. Called before `checkpoint` of the same step, which deletes older ones, so
   * that a best one always exists.
   */
  best(step: number, bytes: Uint8Array): Promise<void>;
  /** The best checkpoint, if any. */
  readBest(): Promise<{ step: number; bytes: Uint8Array } | undefined>;
  /** Appends a line to the measures. */
  measure(line: MeasureLine): Promise<void>;
  /** The measures so far. */
  measures(): Promise<MeasureLine[]>;
  /** Appends a diagnosis. */
  diagnose?(diagnosis: Diagnosis): Promise<void>;
  /** The diagnoses so far, in the order in which they were found. */
  diagnoses?(): Promise<Diagnosis[]>;
  /** Writes or replaces a file. */
  write(name: RunFile, content: string | Uint8Array): Promise<void>;
  /** Deletes log lines and grids after the step that the run returns to. */
  dropAfter?(step: number): Promise<void>;
  /** The log so far. */
  lines(): Promise<LogLine[]>;
  /** Grids of the first generator so far, as PNG files. */
  samples(): Promise<{ step: number; png: Uint8Array }[]>;
  /** The sessions so far, oldest first. */
  sessions(): Promise<SessionRecord[]>;
}

/** A store in memory, for pages and tests. */
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
