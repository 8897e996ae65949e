// Messages and exit codes for errors of the command.
import { isForjaError, messageOf, UsageError, type ErrorCode } from '@forja/core';

/** Code and message of anything thrown. */
export function describe(error: unknown): { code: ErrorCode; message: string } {
  if (isForjaError(error)) return { code: error.code, message: error.message };
  if (error instanceof Error && 'syscall' in error) return { code: 'io', message: error.message };
  return {
    code: 'internal',
    message: `${messageOf(error)} (this is a bug in the command; --verbose shows where)`,
  };
}

/** 2 for a wrong call, 130 for an interrupted one, else 1. */
export function exitCode(error: unknown): 1 | 2 | 130 {
  if (isForjaError(error))
    return error instanceof UsageError || error.name === 'UsageError' ? 2 : error.code === 'aborted' ? 130 : 1;
  return 1;
}

/** The stack of an error, followed by the stacks of its causes. */
export function stackOf(error: unknown): string {
  const lines: string[] = [];
  for (
    let at: unknown = error;
    at !== undefined && at !== null && lines.length < 8;
    at = at instanceof Error ? at.cause : undefined
  ) {
    lines.push(
      `${lines.length === 0 ? '' : 'caused by '}${at instanceof Error ? (at.stack ?? at.message) : String(at)}`,
    );
  }
  return lines.join('\n');
}
