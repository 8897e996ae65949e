// Turns a CliCommand into a commander program. commander parses and prints help; main.ts handles errors and exit codes.
import type { Command } from 'commander';
import type { CliCommand } from '@forja/core';
import { parserOf } from './parse.js';

/** Options that every command has. */
const COMMON = [
  ['--json', 'print the result, or the error, as JSON'],
  ['--verbose', 'print the stack of an error'],
] as const;

/**
 * A program that parses the command line of `command` and passes its values to `onArgs`. Required arguments may be
 * missing: main.ts prompts for them or reports an error. `words`: the words after the command's name, for commands
 * whose options depend on them.
 */
export async function programOf(
  command: CliCommand,
  onArgs: (args: Record<string, unknown>) => void,
  words: readonly string[] = [],
  cwd: string = process.cwd(),
): Promise<Command> {
  const { Argument, Command, Option } = await import('commander');
  const program = new Command(command.name);
  const usage = (command.arguments ?? []).map(
    ({ name, required, variadic }) => `${required ? '<' : '['}${name}${variadic ? '...' : ''}${required ? '>' : ']'}`,
  );
  program
    .usage([...usage, '[options]'].join(' '))
    .description(sentence(command.summary))
    .showSuggestionAfterError();
  for (const { name, description, variadic } of command.arguments ?? [])
    program.addArgument(new Argument(`[${name}${variadic ? '...' : ''}]`, description));
  const options = (await command.optionsFor?.(words, cwd)) ?? command.options ?? [];
  for (const option of options) {
    const made = new Option(option.flags, option.description);
    const parse = parserOf(command.name, option);
    if (parse) made.argParser(parse);
    // choices() sets its own parser, so ours is set after it
    if (option.choices) made.choices(option.choices).argParser(parse as (text: string) => unknown);
    if (option.default !== undefined) made.default(option.default);
    program.addOption(made);
  }
  for (const [flags, description] of COMMON) program.option(flags, description);
  program.addHelpText('after', `\nExamples:\n${command.examples.map((line) => `  $ ${line}`).join('\n')}`);
  program.allowExcessArguments(false);
  program.action(() => {
    const { json: _json, verbose: _verbose, ...given } = program.opts();
    const named = Object.fromEntries(
      (command.arguments ?? []).map(({ name, variadic }, i) => [
        name,
        !variadic ? program.args[i] : program.args.length > i ? program.args.slice(i) : undefined,
      ]),
    );
    onArgs({ ...given, ...named });
  });
  return program.name(`forja ${command.name}`);
}

/** The overview of all commands. */
export function overview(
  own: readonly CliCommand[],
  trainer: readonly CliCommand[] | undefined,
  missing: readonly string[],
): string {
  const rows = (commands: readonly CliCommand[]): string[] =>
    commands.map(({ name, summary }) => `  ${name.padEnd(19)}${summary}`);
  return [
    'Usage: forja <command> [options]',
    '',
    'Trains GANs in TypeScript, exports generators as ONNX, samples them.',
    '',
    'Commands:',
    ...rows(own),
    ...(trainer
      ? rows(trainer)
      : [`  ${missing.join(', ')}: with @forja/trainer (npm install @forja/trainer @tensorflow/tfjs)`]),
    '',
    'Options:',
    '  -h, --help    this text; after a command: help for that command',
    '  -V, --version',
    '  --json        machine-readable results and errors',
    '  --verbose     print the stack of an error',
    '',
    'Examples:',
    '  $ forja inspect generator.onnx',
    '  $ forja sample generator.onnx -o samples.png --count 64 --seed 7',
    '',
  ].join('\n');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
