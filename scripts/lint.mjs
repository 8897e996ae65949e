// `npm run lint`: typed rules and borders between packages (eslint), layers and circles inside them
// (dependency-cruiser), and formatting (prettier). All three run, so that one pass shows everything.
import { pathToFileURL } from 'node:url';
import { node, stage, tool } from './lib/stage.mjs';

const sources = ['core', 'node', 'web', 'trainer'].map((name) => `packages/${name}/src`);

/** Runs the linters. @returns {Promise<boolean>} whether all of them are content */
export async function lint() {
  const ran = await Promise.all([
    stage('eslint', () => node(tool('eslint/bin/eslint.js'), ['.', '--max-warnings', '0'])),
    stage('layers', () =>
      node(tool('dependency-cruiser/bin/dependency-cruise.mjs'), ['--config', '.dependency-cruiser.mjs', ...sources]),
    ),
    stage('formatting', () => node(tool('prettier/bin/prettier.cjs'), ['--check', '--log-level', 'warn', '.'])),
  ]);
  return ran.every(({ ok }) => ok);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exit((await lint()) ? 0 : 1);
