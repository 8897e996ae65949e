// Runs the command line: finds the command, parses its arguments, runs it, prints errors in one line, returns the exit
// code.
import type { Readable } from 'node:stream';
import { nearest, UsageError, type CliCommand } from '@forja/core';
import { ask } from './ask.js';
import { bench } from './bench.js';
import { convert } from './convert.js';
import { doctor } from './doctor.js';
import { describe, exitCode, stackOf } from './errors.js';
import { exportRepository } from './export-repository.js';
import { inspect } from './inspect.js';
import { init } from './init.js';
import { interpolate } from './interpolate.js';
import { createIo, interrupts, type Streams } from './io.js';
import { jobs } from './jobs.js';
import { mix } from './mix.js';
import { overview, programOf } from './program.js';
import { projectCommand } from './project.js';
import { sample } from './sample.js';
import { score } from './score.js';
import { serve } from './serve.js';
import { trainerCommands, trainerMissing, TRAINER_NAMES } from './trainer.js';
import { translate } from './translate.js';
import { video } from './video.js';
import { VERSION } from '../version.js';

/** The environment; default: the process's own. */
export interface Host extends Partial<Streams> {
  cwd?: string;
  stdin?: Readable & { isTTY?: boolean };
}

/** The commands of this package. */
export const OWN: readonly CliCommand[] = [
  init,
  sample,
  interpolate,
  mix,
  video,
  translate,
  score,
  projectCommand,
  inspect,
  convert,
  bench,
  serve,
  jobs,
  exportRepository,
  doctor,
];

/**
 * Runs `forja` with arguments (without node and script). Resolves to the exit code: 0 success, 1 failure, 2 wrong
 * usage, 130 interrupted. Never rejects.
 */
export async function main(argv: readonly string[], host: Host = {}): Promise<number> {
  const { stdout = process.stdout, stderr = process.stderr, stdin = process.stdin, cwd = process.cwd() } = host;
  const mode = { json: argv.includes('--json'), verbose: argv.includes('--verbose') };
  const control = new AbortController();
  const done = interrupts(control, stderr);
  try {
    const called = await find(argv, cwd);
    if ('text' in called) {
      (called.code === 0 ? stdout : stderr).write(called.text);
      return called.code;
    }
    const args = await parse(called.command, called.rest, { stdout, stdin, stderr, cwd, json: mode.json });
    if (args === undefined) return 0;
    const result = await called.command.run(args, createIo({ stdout, stderr }, mode, cwd, control.signal));
    if (mode.json) stdout.write(`${json(result ?? {})}\n`);
    return 0;
  } catch (error) {
    const { code, message } = describe(error);
    if (mode.json) stdout.write(`${json({ error: { code, message } })}\n`);
    stderr.write(`error: ${message} [${code}]\n`);
    if (mode.verbose) stderr.write(`${stackOf(error)}\n`);
    return exitCode(error);
  } finally {
    done();
  }
}

type Called = { command: CliCommand; rest: readonly string[] } | { text: string; code: number };

/** The command named by the arguments, or the text to print instead. */
async function find(argv: readonly string[], cwd: string): Promise<Called> {
  const at = argv.findIndex((word) => !word.startsWith('-'));
  const flags = at < 0 ? argv : argv.slice(0, at);
  const [name, ...after] = at < 0 ? [] : argv.slice(at);
  if (name === 'help') return find([...after.slice(0, 1), '--help'], cwd);
  if (flags.includes('--version') || flags.includes('-V')) return { text: `${VERSION}\n`, code: 0 };
  if (name === undefined) {
    const stray = flags.find((flag) => !['--help', '-h', '--json', '--verbose'].includes(flag));
    if (stray !== undefined)
      throw new UsageError(`expected a command, got the option '${stray}': forja --help lists them`);
    return {
      text: overview(OWN, await trainerCommands(cwd).catch(() => undefined), TRAINER_NAMES),
      code: flags.includes('--help') || flags.includes('-h') ? 0 : 2,
    };
  }
  const rest = [...flags, ...after];
  const own = OWN.find((command) => command.name === name);
  if (own) return { command: own, rest };
  const others = await trainerCommands(cwd);
  const other = others?.find((command) => command.name === name);
  if (other) return { command: other, rest };
  if (!others && TRAINER_NAMES.includes(name)) throw trainerMissing(name);
  const known = [...OWN, ...(others ?? [])].map((command) => command.name);
  const all = [...known, ...(others ? [] : TRAINER_NAMES)];
  throw new UsageError(`expected a command (${all.join(', ')}), got '${name}'${nearest(name, all)}`);
}

/**
 * Values of a command line; undefined if it asked for help, which is printed. Prompts for a missing argument on a
 * terminal.
 */
async function parse(
  command: CliCommand,
  argv: readonly string[],
  {
    stdout,
    stderr,
    stdin,
    cwd,
    json: asJson,
  }: Streams & { stdin: Readable & { isTTY?: boolean }; cwd: string; json: boolean },
): Promise<Record<string, unknown> | undefined> {
  let args: Record<string, unknown> | undefined;
  const program = await programOf(command, (values) => (args = values), argv, cwd);
  program.exitOverride().configureOutput({ writeOut: (text) => void stdout.write(text), writeErr: () => undefined });
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('commander.'))) throw error;
    if (error.code === 'commander.helpDisplayed') return undefined;
    throw new UsageError(
      `${command.name}: ${error.message.replace(/^error: /, '').replaceAll('\n', ' ')}; see forja ` +
        `${command.name} --help`,
      { cause: error },
    );
  }
  for (const argument of command.arguments ?? []) {
    if (!argument.required || args?.[argument.name] !== undefined) continue;
    if (asJson || !stdin.isTTY || !stderr.isTTY)
      throw new UsageError(
        `${command.name}: expected <${argument.name}>, ${argument.description}; see forja ${command.name} --help`,
      );
    const answer = await ask(command.name, argument, { input: stdin, output: process.stderr });
    args = { ...args, [argument.name]: argument.variadic ? [answer] : answer };
  }
  return args;
}

function json(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? String(item) : item), 2);
}
