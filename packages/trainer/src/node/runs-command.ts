// forja runs: the runs in a folder as a list, or several of them compared in one page.
import { readFile, readdir, stat } from 'node:fs/promises';
import { join, resolve as resolvePath } from 'node:path';
import { describeValue, ForjaError, messageOf, UsageError, type CliCommand } from '@forja/core';
import { fileTarget } from '@forja/node/cli';
import { compareHtml, type ComparedRun } from '../report/compare.js';
import { writeFileSafely } from './files.js';
import { FolderStore } from './folder-store.js';
import { jsonOf } from './train.js';

interface Args {
  folders?: string[];
  out?: string;
}

/** A run in the list. */
interface Listed {
  folder: string;
  system: string;
  data: string;
  steps: number;
  of: number;
  finished: boolean;
  seconds: number;
  /** Last scores, by name. */
  scores: Readonly<Record<string, number>>;
}

/** The command. */
export const runsCommand: CliCommand = {
  name: 'runs',
  summary: 'list runs, or compare several in one page',
  arguments: [
    { name: 'folders', description: 'a folder of runs to list (default runs), or runs to compare', variadic: true },
  ],
  options: [
    {
      flags: '-o, --out <file>',
      description: 'page to write; default compare.html for two runs or more',
      type: 'path',
    },
  ],
  examples: ['forja runs', 'forja runs experiments', 'forja runs runs/first runs/second -o compare.html'],
  async run(raw, io) {
    const args = raw as Args; // Args matches the options above
    const given = args.folders ?? [];
    const compares = args.out !== undefined || given.length > 1;
    const out = compares ? await fileTarget('runs --out', io.cwd, args.out ?? 'compare.html') : undefined;
    const folders = await runsIn(given.length > 0 ? given : ['runs'], io.cwd);
    const read = folders.map(async (folder) => readRun(folder, io.cwd));
    const runs = (await Promise.allSettled(read)).flatMap((one, i) => {
      if (one.status === 'fulfilled') return [one.value];
      if (given.includes(folders[i] ?? '')) throw one.reason; // the user asked for this run
      io.warn(`left out: ${messageOf(one.reason)}`);
      return [];
    });
    if (runs.length === 0)
      throw new UsageError(
        'runs: expected folders of runs (with config.json), got none in ' +
          `${(given.length > 0 ? given : ['runs']).join(', ')}`,
      );
    const listed = await Promise.all(runs.map((run) => listedOf(run, io.cwd)));
    const width = Math.max(...listed.map(({ folder }) => folder.length));
    for (const { folder, system, data, steps, of, finished, seconds, scores } of listed) {
      const few = Object.entries(scores)
        .filter(([, value]) => Number.isFinite(value))
        .slice(0, 3); // NaN is null in JSON
      io.print(
        `${folder.padEnd(width)}  ${system} on ${data}  step ${steps} of ${of}${finished ? ', finished' : ''}  ` +
          `${seconds.toFixed(0)} s  ` +
          `${few.map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`).join('  ')}`,
      );
    }
    if (out === undefined) return { runs: listed };
    await writeFileSafely(out, await compareHtml(runs));
    io.print(out);
    return { runs: listed, page: out };
  },
};

/** The given folders that are runs, and the runs directly inside the others. */
async function runsIn(folders: readonly string[], cwd: string): Promise<string[]> {
  const isRun = async (folder: string): Promise<boolean> =>
    (await stat(join(resolvePath(cwd, folder), 'config.json')).catch(() => undefined))?.isFile() === true;
  const found: string[] = [];
  for (const folder of folders) {
    if (await isRun(folder)) {
      found.push(folder);
      continue;
    }
    const names = await readdir(resolvePath(cwd, folder)).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') throw new UsageError(`runs: expected a folder, got nothing at ${folder}`, { cause });
      throw new ForjaError('io', `runs: could not read ${folder}: ${cause.message}`, { cause });
    });
    const before = found.length;
    for (const name of names.sort()) if (await isRun(join(folder, name))) found.push(join(folder, name));
    if (found.length === before)
      throw new UsageError(`runs: expected a run, or a folder of runs (with config.json), got neither at ${folder}`);
  }
  return found;
}

async function readRun(folder: string, cwd: string): Promise<ComparedRun> {
  const where = resolvePath(cwd, folder);
  const path = join(where, 'config.json');
  const store = new FolderStore(where);
  const config = jsonOf(await readFile(path, 'utf8'), path);
  if (!isConfig(config))
    throw new UsageError(`${path}: expected the configuration of a run, got ${describeValue(config)}`, {
      code: 'config.invalid',
    });
  return {
    name: folder,
    config,
    lines: await store.lines(),
    measures: await store.measures(),
    diagnoses: await store.diagnoses(),
  };
}

function isConfig(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && 'system' in value;
}

async function listedOf({ name, config, lines, measures }: ComparedRun, cwd: string): Promise<Listed> {
  const data = config['data'] as { kind?: string; path?: string; shape?: string; name?: string } | undefined;
  const files = await readdir(resolvePath(cwd, name));
  const saved = files.map((file) => Number(/^checkpoint-(\d+)$/.exec(file)?.[1] ?? 0));
  const steps = Math.max(lines.at(-1)?.step ?? 0, ...saved); // not every step is in the log
  const of = Number(config['steps']);
  return {
    folder: name,
    system: String(config['system']),
    data: data?.path ?? data?.shape ?? data?.name ?? data?.kind ?? '',
    steps,
    of,
    finished: files.includes('report.html') && steps >= of, // a longer run that goes on has the report of its first end
    seconds: lines.at(-1)?.seconds ?? 0,
    scores: measures.at(-1)?.scores ?? {},
  };
}
