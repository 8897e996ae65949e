// A run's folder: config.json, sessions.json, log.jsonl, measures.jsonl, diagnoses.jsonl, samples/step-N.png,
// checkpoint-N, best-N, generator.onnx, report.html.
import { appendFile, open, readFile, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ForjaError, messageOf, UsageError, type Image } from '@forja/core';
import { makeFolder, shellWord } from '@forja/node/cli';
import { decodeCheckpoint } from '../records/checkpoint.js';
import type { Diagnosis, LogLine, MeasureLine, RunFile, RunStore, SessionRecord } from '../records/store.js';
import { EventFile } from './event-file.js';
import { writeFileSafely } from './files.js';

const LOG = 'log.jsonl';
const MEASURES = 'measures.jsonl';
const DIAGNOSES = 'diagnoses.jsonl';
const BEST = /^best-(\d+)$/;
const CHECKPOINT = /^checkpoint-(\d+)$/;
const SAMPLE = /^step-(\d+)\.png$/;
const KEPT = 2;

/**
 * The newest intact checkpoint of a run's folder, if any, and a line for each damaged one that was skipped.
 */
export async function newestCheckpoint(
  folder: string,
): Promise<{ newest: { bytes: Uint8Array; step: number } | undefined; damaged: string[] }> {
  const damaged: string[] = [];
  const steps = (await readdir(folder))
    .flatMap((name) => CHECKPOINT.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
  for (const step of steps) {
    const path = join(folder, `checkpoint-${step}`);
    try {
      const bytes = new Uint8Array(await readFile(path));
      await decodeCheckpoint(bytes, path);
      return { newest: { bytes, step }, damaged };
    } catch (error) {
      const message = messageOf(error);
      damaged.push(error instanceof ForjaError ? message : `${path}: could not be read: ${message}`);
    }
  }
  return { newest: undefined, damaged };
}

/** A run folder as a store. */
export class FolderStore implements RunStore {
  readonly where: string;
  readonly #events: EventFile | undefined;

  /** `tensorboard`: also write an event file of TensorBoard. */
  constructor(folder: string, { tensorboard = false }: { tensorboard?: boolean } = {}) {
    this.where = folder;
    this.#events = tensorboard ? new EventFile(folder) : undefined;
  }

  /** Makes the folder. Throws UsageError if it is not empty, so that no run is overwritten. */
  async begin(): Promise<void> {
    const found = await readdir(this.where).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error.code === 'ENOTDIR'
        ? new UsageError(`out: expected a folder, got a file at ${this.where}; choose another --out`)
        : ioError(`read ${this.where}`, error);
    });
    if (found.length > 0)
      throw new UsageError(
        `out: expected a new or empty folder, got ${this.where} with ${found.length} entries; ` +
          `continue it with --resume ${shellWord(this.where)}, or choose another --out`,
      );
    await makeFolder(this.where).catch((error: unknown) =>
      Promise.reject(ioError(`make the folder ${this.where}`, error)),
    );
  }

  /**
   * The newest intact checkpoint, or undefined if there is none, and a line for each damaged one that was skipped. What
   * came after it stays until `dropAfter`.
   */
  async newest(): Promise<{ checkpoint: Uint8Array | undefined; step: number; damaged: string[] }> {
    const { newest, damaged } = await newestCheckpoint(this.where);
    if (newest) return { checkpoint: newest.bytes, step: newest.step, damaged };
    if (damaged.length > 0)
      throw new ForjaError(
        'checkpoint.format',
        `resume: expected an undamaged checkpoint in ${this.where}, got none:\n${damaged.join('\n')}`,
      );
    return { checkpoint: undefined, step: 0, damaged };
  }

  async log(line: LogLine): Promise<void> {
    await this.#io('write the log', async () => {
      await appendFile(join(this.where, LOG), `${JSON.stringify(line)}\n`);
      const { step, scalars, rates, images_per_s: speed, peak_mb: peak } = line;
      const cost = { images_per_s: speed, ...(peak === undefined ? {} : { peak_mb: peak }) };
      const shown = { ...under('scalars', scalars), ...under('rates', { ...rates, ...cost }) };
      await this.#events?.write({ step, scalars: shown });
    });
  }

  async sample(step: number, picture: Image, output?: string): Promise<void> {
    await this.#io('write a sample grid', async () => {
      const folder = join(this.where, 'samples', ...(output === undefined ? [] : [output]));
      await makeFolder(folder);
      const png = await picture.toPNG();
      await writeFileSafely(join(folder, `step-${step}.png`), png);
      const { width, height } = picture;
      await this.#events?.write({ step, pictures: { [`samples/${output ?? 'generator'}`]: { png, width, height } } });
    });
  }

  async checkpoint(step: number, bytes: Uint8Array): Promise<void> {
    await this.#io('write a checkpoint', async () => {
      for (const name of [LOG, ...((await this.#steps(BEST)).length > 0 ? [MEASURES] : [])]) {
        const file = await open(join(this.where, name), 'a');
        await file.sync().finally(() => file.close());
      }
      await writeFileSafely(join(this.where, `checkpoint-${step}`), bytes);
      for (const old of (await this.#steps(CHECKPOINT)).slice(KEPT))
        await rm(join(this.where, `checkpoint-${old}`), { force: true });
      for (const old of (await this.#steps(BEST)).slice(1)) await rm(join(this.where, `best-${old}`), { force: true });
    });
  }

  async best(step: number, bytes: Uint8Array): Promise<void> {
    await this.#io('write the best checkpoint', () => writeFileSafely(join(this.where, `best-${step}`), bytes));
  }

  async readBest(): Promise<{ step: number; bytes: Uint8Array } | undefined> {
    const [step] = await this.#steps(BEST);
    if (step === undefined) return undefined;
    return { step, bytes: new Uint8Array(await readFile(join(this.where, `best-${step}`))) };
  }

  async measure(line: MeasureLine): Promise<void> {
    await this.#io('write the measures', async () => {
      await appendFile(join(this.where, MEASURES), `${JSON.stringify(line)}\n`);
      await this.#events?.write({ step: line.step, scalars: under('measures', line.scores) });
    });
  }

  measures(): Promise<MeasureLine[]> {
    return this.#linesOf<MeasureLine>(MEASURES);
  }

  async diagnose(diagnosis: Diagnosis): Promise<void> {
    await this.#io('write the diagnoses', () =>
      appendFile(join(this.where, DIAGNOSES), `${JSON.stringify(diagnosis)}\n`),
    );
  }

  diagnoses(): Promise<Diagnosis[]> {
    return this.#linesOf<Diagnosis>(DIAGNOSES);
  }

  async write(name: RunFile, content: string | Uint8Array): Promise<void> {
    await this.#io(`write ${name}`, () => writeFileSafely(join(this.where, name), content));
  }

  async dropAfter(step: number): Promise<void> {
    await this.#io('delete what came after a checkpoint', () => this.#forget(step));
  }

  lines(): Promise<LogLine[]> {
    return this.#linesOf<LogLine>(LOG);
  }

  async samples(): Promise<{ step: number; png: Uint8Array }[]> {
    const folder = join(this.where, 'samples');
    const steps = (await readdir(folder).catch(() => []))
      .flatMap((name) => SAMPLE.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
    return Promise.all(
      steps.map(async (step) => ({ step, png: new Uint8Array(await readFile(join(folder, `step-${step}.png`))) })),
    );
  }

  async sessions(): Promise<SessionRecord[]> {
    const text = await readFile(join(this.where, 'sessions.json'), 'utf8').catch(() => '[]');
    const found: unknown = parsed(text); // only for people to read, so a damaged file does not stop a run
    return Array.isArray(found) ? found.filter(isSession) : [];
  }

  async #linesOf<T extends { step: number }>(name: string): Promise<T[]> {
    const text = await readFile(join(this.where, name), 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => {
      const found = parsed(line);
      return hasNumber(found, 'step') ? [found as T] : []; // written by log(), measure() or diagnose()
    });
  }

  /** Steps in the names of files of a kind, the newest first. */
  async #steps(kind: RegExp): Promise<number[]> {
    return (await readdir(this.where))
      .flatMap((name) => kind.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a);
  }

  async #forget(step: number): Promise<void> {
    for (const name of [LOG, MEASURES, DIAGNOSES]) {
      const all = await this.#linesOf(name);
      if (name !== LOG && all.length === 0) continue;
      const kept = all.filter((line) => line.step <= step);
      await writeFileSafely(join(this.where, name), kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
    }
    for (const best of await this.#steps(BEST))
      if (best > step) await rm(join(this.where, `best-${best}`), { force: true });
    const grids = await readdir(join(this.where, 'samples'), { recursive: true }).catch(() => []);
    for (const path of grids)
      if (Number(SAMPLE.exec(basename(path))?.[1] ?? 0) > step)
        await rm(join(this.where, 'samples', path), { force: true });
    for (const name of await readdir(this.where))
      if (name.endsWith('.tmp')) await rm(join(this.where, name), { force: true }); // left by a killed process
  }

  async #io<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof ForjaError ? error : ioError(`${what} in ${this.where}`, error);
    }
  }
}

/** Prefixes names with a section of TensorBoard. */
function under(section: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${section}/${name}`, value]));
}

function hasNumber(value: unknown, field: string): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, field) === 'number';
}

function isSession(value: unknown): value is SessionRecord {
  return hasNumber(value, 'fromStep');
}

/** Parses a file or line of JSON; undefined if a crash has cut it off. */
function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What to do about errors of the file system, by code. */
const WAYS_OUT: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space, then continue the run with --resume',
  EDQUOT: 'free some space, then continue the run with --resume',
  EACCES: 'choose a folder that can be written',
  EPERM: 'choose a folder that can be written',
  EROFS: 'choose a folder that can be written',
};

function ioError(what: string, error: unknown): ForjaError {
  const out = WAYS_OUT[(error as NodeJS.ErrnoException | null)?.code ?? ''];
  const message = `could not ${what}: ${messageOf(error)}${out === undefined ? '' : `; ${out}`}`;
  return new ForjaError('io', message, { cause: error });
}
