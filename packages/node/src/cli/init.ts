// forja init: writes a small working project from the files in templates/ and a generator of abstract pictures.
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { checkModelBytes, externalFiles, ForjaError, UsageError, type CliCommand } from '@forja/core';
import { abstractPictures } from '../abstract-pictures.js';
import { readExternal } from '../files/read-file.js';
import { fileTarget, readModelFile } from './files.js';
import { reasonOf } from '../files/reason.js';
import { writeAside } from '../files/write-aside.js';
import { shellWord } from '../shell.js';
import { filled, templates } from '../templates.js';
import { VERSION } from '../version.js';

/** The kinds of projects: where the generator is put, and the next commands. */
const KINDS = {
  service: {
    summary: 'a Node service',
    generator: 'generator.onnx',
    next: ['npm install', 'npm start', 'npm test'],
  },
  page: {
    summary: 'a page with Vite',
    generator: 'public/generator.onnx',
    next: ['npm install', 'npm run dev'],
  },
  training: {
    summary: 'training on your own pictures',
    generator: 'examples.onnx',
    next: ['npm install', 'npm run pictures', 'npm run train', 'npm run sample'],
  },
} as const;

type Kind = keyof typeof KINDS;

/** Names of {@link KINDS}. */
export const projectKinds: readonly Kind[] = Object.keys(KINDS) as Kind[]; // the keys of the table

/** The command. */
export const init: CliCommand = {
  name: 'init',
  summary: 'write a small working project: a service, a page, or training',
  arguments: [{ name: 'folder', description: 'new or empty folder; default: the current one' }],
  options: [
    {
      flags: '--kind <kind>',
      description: projectKinds.map((kind) => `${kind}: ${KINDS[kind].summary}`).join('; '),
      choices: projectKinds,
    },
    { flags: '--model <file>', description: 'a generator to copy instead of the one that makes abstract pictures' },
  ],
  examples: [
    'forja init pictures --kind service',
    'forja init gallery --kind page --model generator.onnx',
    'forja init my-gan --kind training',
  ],
  async run(raw, io) {
    // the cast: the type has the arguments and options above
    const { folder: given = '.', kind, model } = raw as { folder?: string; kind?: Kind; model?: string };
    if (kind === undefined) {
      const each = projectKinds.map((name) => `--kind ${name} (${KINDS[name].summary})`).join(', ');
      throw new UsageError(`init: expected ${each}, got none; forja init --help has examples`);
    }
    if (kind === 'training' && model !== undefined)
      throw new UsageError('init --model: expected --kind service or page, got training, which makes a generator');
    const folder = resolve(io.cwd, given);
    await checkEmpty(folder);
    const { generator, next } = KINDS[kind];
    const bytes =
      model === undefined ? await abstractPictures() : await readModelFile('init --model', resolve(io.cwd, model));
    if (model !== undefined) checkModelBytes(bytes, 'init --model');
    const beside = model === undefined ? [] : await readExternal(resolve(io.cwd, model), externalFiles(bytes));
    const files = new Map<string, string | Uint8Array>([
      ...(await templateFiles(kind, folder)),
      [generator, bytes],
      ...[...beside].map(([location, data]): [string, Uint8Array] => [join(dirname(generator), location), data]),
    ]);
    await fileTarget('init', folder, 'package.json');
    for (const [path, content] of files) await writeAside(join(folder, path), content);
    const where = relative(io.cwd, folder);
    io.print(`${files.size} files in ${folder}. Next:`);
    for (const line of [
      ...(where === '' ? [] : [`cd ${shellWord(/^[-~]/.test(where) ? `./${where}` : where)}`]),
      ...next,
    ])
      io.print(`  ${line}`);
    return { folder, kind, files: [...files.keys()].sort(), next };
  },
};

/** Throws UsageError if the folder is a file or is not empty, naming some of its entries. */
async function checkEmpty(folder: string): Promise<void> {
  let found: string[];
  try {
    found = await readdir(folder);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT') return;
    if (code === 'ENOTDIR')
      throw new UsageError(`init: expected a new or empty folder, but ${folder} is, or lies below, a file`);
    throw new ForjaError('io', `init: cannot read ${folder}: ${reasonOf(cause)}`, { cause });
  }
  if (found.length === 0) return;
  const named = found.sort().slice(0, 3).join(', ');
  const more = found.length > 3 ? ` and ${found.length - 3} more` : '';
  throw new UsageError(`init: expected a new or empty folder, but ${folder} has ${named}${more}`);
}

/** Files of a template by path, with the project's name and Forja's version filled in. */
async function templateFiles(kind: Kind, folder: string): Promise<[string, string][]> {
  const root = join(templates(), kind);
  const values: Readonly<Record<string, string>> = { name: nameFor(folder), forja: VERSION };
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry): Promise<[string, string]> => {
        const path = join(entry.parentPath, entry.name);
        // npm does not publish files named .gitignore
        const name = relative(root, path).replaceAll('\\', '/').replace('_gitignore', '.gitignore');
        return [name, await filled(path, values)];
      }),
  );
}

/** A name that npm accepts, from the folder's name. */
function nameFor(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'pictures' : name.slice(0, 100);
}
