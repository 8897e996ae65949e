// A run's folder: config.json, sessions.json, log.jsonl, samples/step-N.png, checkpoint-N, generator.onnx, report.html.
import { appendFile, mkdir, open, readFile, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ForjaError, UsageError, type Image } from '@forja/core';
import { decodeCheckpoint } from '../records/checkpoint.js';
import type { LogLine, RunFile, RunStore, SessionRecord } from '../records/store.js';
import { writeFileSafely } from './files.js';

const LOG = 'log.jsonl';
const CHECKPOINT = /^checkpoint-(\d+)$/;
const SAMPLE = /^step-(\d+)\.png$/;
const KEPT = 2;

/** A run folder as a store. */
export class FolderStore implements RunStore {
  readonly where: string;
  constructor(folder: string) {
    this.where = folder;
  }

  /** Makes the folder. Throws UsageError when there is something in it already, so that no run is overwritten. */
  async begin(): Promise<void> {
    const found = await readdir(this.where).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error.code === 'ENOTDIR'
        ? new UsageError(`out: expected a folder, got a file at ${this.where}; choose another --out`)
        : ioError(`read ${this.where}`, error);
    });
    if (found.length > 0)
      throw new UsageError(
        `out: expected a new or empty folder, got ${this.where} with ${found.length} entries; go on with --resume ${this.where}, or choose another --out`,
      );
    await mkdir(this.where, { recursive: true }).catch((error: unknown) =>
      Promise.reject(ioError(`make the folder ${this.where}`, error)),
    );
  }

  /**
   * Makes the folder what it was when its newest whole checkpoint was written: later log lines and grids go. Returns
   * that checkpoint's bytes, or undefined when there is none, and a line for each damaged checkpoint that was passed
   * over.
   */
  async rewind(): Promise<{ checkpoint: Uint8Array | undefined; step: number; damaged: string[] }> {
    const damaged: string[] = [];
    const files = (await readdir(this.where))
      .flatMap((name) => CHECKPOINT.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a);
    for (const step of files) {
      const path = join(this.where, `checkpoint-${step}`);
      const bytes = new Uint8Array(await readFile(path));
      const fault = await decodeCheckpoint(bytes, path).then(
        () => undefined,
        (error: unknown) => String(error instanceof Error ? error.message : error),
      );
      if (fault === undefined) {
        await this.#forget(step);
        return { checkpoint: bytes, step, damaged };
      }
      damaged.push(fault);
    }
    if (damaged.length > 0)
      throw new ForjaError(
        'checkpoint.format',
        `resume: expected a whole checkpoint in ${this.where}, got none:\n${damaged.join('\n')}`,
      );
    await this.#forget(0);
    return { checkpoint: undefined, step: 0, damaged };
  }

  async log(line: LogLine): Promise<void> {
    await this.#io('write the log', () => appendFile(join(this.where, LOG), `${JSON.stringify(line)}\n`));
  }

  async sample(step: number, picture: Image, output?: string): Promise<void> {
    await this.#io('write a sample grid', async () => {
      const folder = join(this.where, 'samples', ...(output === undefined ? [] : [output]));
      await mkdir(folder, { recursive: true });
      await writeFileSafely(join(folder, `step-${step}.png`), await picture.toPNG());
    });
  }

  async checkpoint(step: number, bytes: Uint8Array): Promise<void> {
    await this.#io('write a checkpoint', async () => {
      const log = await open(join(this.where, LOG), 'a');
      await log.sync().finally(() => log.close());
      await writeFileSafely(join(this.where, `checkpoint-${step}`), bytes);
      const steps = (await readdir(this.where))
        .flatMap((name) => CHECKPOINT.exec(name)?.[1] ?? [])
        .map(Number)
        .sort((a, b) => b - a);
      for (const old of steps.slice(KEPT)) await rm(join(this.where, `checkpoint-${old}`), { force: true });
    });
  }

  async write(name: RunFile, content: string | Uint8Array): Promise<void> {
    await this.#io(`write ${name}`, () => writeFileSafely(join(this.where, name), content));
  }

  async dropAfter(step: number): Promise<void> {
    await this.#io('forget what came after a checkpoint', () => this.#forget(step));
  }

  async lines(): Promise<LogLine[]> {
    const text = await readFile(join(this.where, LOG), 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => parsed(line) ?? []);
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
    return JSON.parse(text) as SessionRecord[]; // written whole by train
  }

  async #forget(step: number): Promise<void> {
    const kept = (await this.lines()).filter((line) => line.step <= step);
    await writeFileSafely(join(this.where, LOG), kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const grids = await readdir(join(this.where, 'samples'), { recursive: true }).catch(() => []);
    for (const path of grids)
      if (Number(SAMPLE.exec(basename(path))?.[1] ?? 0) > step)
        await rm(join(this.where, 'samples', path), { force: true });
    for (const name of await readdir(this.where))
      if (name.endsWith('.tmp')) await rm(join(this.where, name), { force: true }); // of a process that was killed
  }

  async #io<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof ForjaError ? error : ioError(`${what} in ${this.where}`, error);
    }
  }
}

/** A line of the log; undefined for one that was cut by a crash. */
function parsed(line: string): LogLine | undefined {
  try {
    return line === '' ? undefined : (JSON.parse(line) as LogLine); // written by log()
  } catch {
    return undefined;
  }
}

function ioError(what: string, error: unknown): ForjaError {
  return new ForjaError('io', `could not ${what}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}
