// All errors that Forja throws on purpose: a few classes and one union of codes. A message reads `where: expected X,
// got Y`, followed by what the user can do about it.

/** The stable, machine-readable reason of a {@link ForjaError}. */
export type ErrorCode =
  | 'usage'
  | 'config.invalid'
  | 'data.notFound'
  | 'data.format'
  | 'data.empty'
  | 'data.field'
  | 'data.size'
  | 'data.pair'
  | 'data.class'
  | 'data.caption'
  | 'data.alpha'
  | 'data.decoder'
  | 'model.notFound'
  | 'model.truncated'
  | 'model.integrity'
  | 'model.format'
  | 'model.unsupported'
  | 'model.notGenerator'
  | 'device.unavailable'
  | 'device.lost'
  | 'overloaded'
  | 'aborted'
  | 'disposed'
  | 'input.shape'
  | 'input.range'
  | 'export.unsupported'
  | 'export.mismatch'
  | 'export.unverified'
  | 'gradient.unproven'
  | 'train.nan'
  | 'checkpoint.format'
  | 'checkpoint.mismatch'
  | 'job.failed'
  | 'io'
  | 'internal';

/** The literal of a class below, which minifiers leave alone; of a user's class that extends one, its own name. */
const nameOf = (made: typeof ForjaError): string => (Object.hasOwn(made, 'named') ? made.named : made.name);

/** Base of all errors thrown on purpose. `code` is stable; the message is for people. */
export class ForjaError extends Error {
  /** Its name as a literal, because minifiers rename classes. */
  static readonly named: string = 'ForjaError';
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options as ErrorOptions);
    this.name = code === 'aborted' ? 'AbortError' : nameOf(new.target); // the name that the web platform uses
    this.code = code;
  }
}

/** A wrong call, option or command line; retrying it unchanged cannot work. Exit code 2 in the CLI. */
export class UsageError extends ForjaError {
  static override readonly named: string = 'UsageError';
  constructor(
    message: string,
    options?: { cause?: unknown; code?: 'usage' | 'config.invalid' | 'input.shape' | 'input.range' },
  ) {
    super(options?.code ?? 'usage', message, options);
  }
}

/** A model file that is missing, damaged, or of another format. */
export class ModelFormatError extends ForjaError {
  static override readonly named: string = 'ModelFormatError';
  constructor(code: Extract<ErrorCode, `model.${string}`>, message: string, options?: { cause?: unknown }) {
    super(code, message, options);
  }
}

/** The requested device is unavailable or was lost. */
export class DeviceError extends ForjaError {
  static override readonly named: string = 'DeviceError';
  constructor(code: 'device.unavailable' | 'device.lost', message: string, options?: { cause?: unknown }) {
    super(code, message, options);
  }
}

/** Thrown by a job that needs state that was lost with its executor. The new executor itself works. */
export class StateLost extends DeviceError {
  static override readonly named: string = 'StateLost';
  constructor(
    message = 'session: its state was lost with its executor; create it again with the last state that you read',
  ) {
    super('device.lost', message);
  }
}

/** The queue is full: try later, or raise `batch.queue`. */
export class OverloadedError extends ForjaError {
  static override readonly named: string = 'OverloadedError';
  constructor(message: string) {
    super('overloaded', message);
  }
}

/**
 * A traced program that cannot be converted to ONNX, an export whose results differ from those of tfjs or could not be
 * compared with them, or a gradient that is not known to be correct.
 */
export class ExportError extends ForjaError {
  static override readonly named: string = 'ExportError';
  constructor(
    code: 'export.unsupported' | 'export.mismatch' | 'export.unverified' | 'gradient.unproven',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(code, message, options);
  }
}

/** The error for an abort; its `cause` is the caller's reason. */
export function abortError(reason: unknown): ForjaError {
  return new ForjaError('aborted', 'aborted by the caller', { cause: reason });
}

/** Plain-data form of an error, for crossing a thread or process. */
export interface ErrorRecord {
  name: string;
  code: ErrorCode;
  message: string;
  stack?: string;
}

/** {@link ErrorRecord} of anything thrown. Foreign errors get `fallback` as their code. */
export function toErrorRecord(error: unknown, fallback: ErrorCode = 'internal'): ErrorRecord {
  const { name, stack } = Object(error) as { name?: unknown; stack?: unknown }; // types checked below
  return {
    name: typeof name === 'string' ? name : 'Error',
    code: isForjaError(error) ? error.code : fallback,
    message: messageOf(error),
    ...(typeof stack === 'string' ? { stack } : {}),
  };
}

/** The message of anything thrown, from any realm. */
export function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}

/** The classes above. errors.test.ts fails if one is missing. */
const CLASSES = [ForjaError, UsageError, ModelFormatError, DeviceError, StateLost, OverloadedError, ExportError];

/**
 * Whether something thrown is a {@link ForjaError}. Checks its shape, because a program may contain several copies of
 * core.
 */
export function isForjaError(error: unknown): error is ForjaError {
  if (error instanceof ForjaError) return true;
  const { name, code } = Object(error) as { name?: unknown; code?: unknown }; // types checked below
  return typeof code === 'string' && (name === 'AbortError' || CLASSES.some(({ named }) => named === name));
}

/** The inverse of {@link toErrorRecord}: a {@link ForjaError} of the right class. */
export function fromErrorRecord(record: ErrorRecord): ForjaError {
  const { code, message } = record;
  const error = isOf(code, 'usage', 'config', 'input')
    ? new UsageError(message, { code })
    : isOf(code, 'device')
      ? new DeviceError(code, message)
      : isOf(code, 'overloaded')
        ? new OverloadedError(message)
        : isOf(code, 'export', 'gradient')
          ? new ExportError(code, message)
          : isOf(code, 'model')
            ? new ModelFormatError(code, message)
            : new ForjaError(code, message);
  if (record.stack !== undefined) error.stack = record.stack;
  return error;
}

/** Whether the first part of a code is one of `areas`. */
function isOf<A extends string>(code: ErrorCode, ...areas: A[]): code is Extract<ErrorCode, A | `${A}.${string}`> {
  return (areas as string[]).includes(code.split('.')[0] ?? ''); // compared as plain strings
}
