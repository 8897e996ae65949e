// Parses the command lines of `npm run gallery`, `live`, `playground` and `demo`: prints help with examples, and
// refuses mistyped flags in one line, with the flag that was probably meant.
import { parseArgs } from 'node:util';
import { root } from './stage.mjs';

const HELP = { type: 'boolean', short: 'h', default: false };

/**
 * The values and positionals of `npm run <command> -- …`. With `--help`, prints `usage` and `examples`, both without
 * `npm run <command>`, and exits.
 *
 * @returns {Promise<{ values: Record<string, any>, positionals: string[] }>}
 */
export async function argsOf(command, { options = {}, allowPositionals = false, usage, about, examples }) {
  const known = { ...options, help: HELP };
  try {
    const parsed = parseArgs({ allowPositionals, options: known });
    if (!parsed.values.help) return parsed;
  } catch (error) {
    const mistyped = /^Unknown option '--([^']+)'/.exec(error.message)?.[1];
    const message = mistyped === undefined ? error.message : `expected a known flag, got --${mistyped}`;
    console.error(
      `${command}: ${message}${mistyped === undefined ? '' : await suggested(mistyped, Object.keys(known))}`,
    );
    process.exit(2);
  }
  const run = `npm run ${command}`;
  const lines = examples.map((example) => `  $ ${run}${example === '' ? '' : ` -- ${example}`}`);
  console.log(`Usage: ${run} -- ${usage}\n\n${about}\n\nExamples:\n${lines.join('\n')}`);
  process.exit(0);
}

/** `; did you mean '--port'?`, in core's words; core is missing before the first build, then '; see --help'. */
async function suggested(flag, known) {
  try {
    const { nearest } = await import(new URL('packages/core/dist/index.js', `file://${root}/`).href);
    return nearest(flag, known).replace("'", "'--") || '; see --help';
  } catch {
    return '; see --help';
  }
}
