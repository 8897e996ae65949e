// The contract of commands that a package adds to the `forja` bin. The bin parses the command line; a command is plain
// data and one function.
import type { AbortSignalLike } from '../platform.js';

/** An option of a command. `flags` as commander writes them: `-o, --out <file>`, `--dry-run`. */
export interface CliOption {
  flags: string;
  description: string;
  default?: string | number | boolean;
  /**
   * How the text is parsed; the bin checks `integer` and `number`. `path`: a path that is written to, so `-` is
   * refused. Default `string` (or boolean without `<…>`).
   */
  type?: 'string' | 'integer' | 'number' | 'list' | 'path';
  choices?: readonly string[];
  /** Least and greatest value of an `integer` or a `number`; the bin checks it before the command runs. */
  range?: readonly [least: number, greatest: number];
}

/**
 * A positional argument. `name` in camelCase; optional unless `required`. The last may be `variadic`: the list of all
 * remaining arguments.
 */
export interface CliArgument {
  name: string;
  description: string;
  required?: boolean;
  variadic?: boolean;
}

/** A progress display: a bar on a terminal, plain lines elsewhere, nothing under `--json`. */
export interface CliProgress {
  /** `done` of `total`, with a short text such as `12 img/s  D 0.61  G 1.4  1:02 left`. */
  update(done: number, text?: string): void;
  stop(text?: string): void;
}

/** A command's access to its environment. */
export interface CliIo {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly tty: boolean;
  readonly cwd: string;
  /** Aborted on the first Ctrl-C; the second ends the process. */
  readonly signal: AbortSignalLike;
  /** A line of human-readable output; silent under `--json`. */
  print(line?: string): void;
  /** A warning line on stderr. */
  warn(line: string): void;
  progress(total: number, title: string): CliProgress;
}

/**
 * One command. `run` returns what `--json` prints; it throws a ForjaError to fail (UsageError: exit 2, others: exit 1).
 */
export interface CliCommand {
  name: string;
  summary: string;
  arguments?: readonly CliArgument[];
  options?: readonly CliOption[];
  /** The options to use instead of `options`; they may depend on the words after the command's name. */
  optionsFor?(words: readonly string[], cwd: string): Promise<readonly CliOption[]>;
  examples: readonly string[];
  run(args: Record<string, unknown>, io: CliIo): Promise<unknown>;
}
