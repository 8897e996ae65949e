// Error responses of the service, one row per code. Messages that may contain paths or the machine's state are not
// sent; `onError` reports them to the operator.
import { isForjaError, type ErrorCode } from '@forja/core';

/** Codes of the service, in addition to {@link ErrorCode}. */
export type RequestCode =
  | 'request.notFound'
  | 'request.method'
  | 'request.acceptable'
  | 'request.timeout'
  | 'request.tooLarge'
  | 'request.mediaType'
  | 'request.unauthorized'
  | 'server.starting'
  | 'server.failed'
  | 'server.draining';

/** Code of an error response. */
export type ServeCode = ErrorCode | RequestCode;

/** A request that is answered with an error. */
export class RequestError extends Error {
  readonly code: RequestCode;
  readonly headers: Readonly<Record<string, string>>;
  constructor(code: RequestCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'RequestError';
    this.code = code;
    this.headers = headers;
  }
}

interface Row {
  status: number;
  /** Sent instead of the error's own message. */
  instead?: string;
}

const BROKEN: Row = { status: 500, instead: 'the server could not do this; its log says why' };
const LOST: Row = { status: 503, instead: 'the device that runs the model was lost; try again' };

/** HTTP status by code; docs/serve.md has the same table, and a test compares the two. */
export const STATUS: Readonly<Record<ServeCode, Row>> = {
  'request.notFound': { status: 404 },
  'request.method': { status: 405 },
  'request.acceptable': { status: 406 },
  'request.timeout': { status: 408 },
  'request.tooLarge': { status: 413 },
  'request.mediaType': { status: 415 },
  'request.unauthorized': { status: 401 },
  'server.starting': { status: 503 },
  'server.failed': { status: 500 },
  'server.draining': { status: 503 },
  usage: { status: 400 },
  'input.shape': { status: 400 },
  'input.range': { status: 400 },
  'model.notGenerator': { status: 400 },
  overloaded: { status: 429 },
  aborted: { status: 499 }, // the client is gone
  disposed: { status: 503, instead: 'the server is stopping' },
  'device.unavailable': LOST,
  'device.lost': LOST,
  'config.invalid': BROKEN,
  'data.notFound': BROKEN,
  'data.format': BROKEN,
  'data.empty': BROKEN,
  'data.field': BROKEN,
  'data.size': BROKEN,
  'data.pair': BROKEN,
  'data.class': BROKEN,
  'data.caption': BROKEN,
  'data.alpha': BROKEN,
  'data.decoder': BROKEN,
  'model.notFound': BROKEN,
  'model.truncated': BROKEN,
  'model.integrity': BROKEN,
  'model.format': BROKEN,
  'model.unsupported': BROKEN,
  'export.unsupported': BROKEN,
  'export.mismatch': BROKEN,
  'export.unverified': BROKEN,
  'gradient.unproven': BROKEN,
  'train.nan': BROKEN,
  'checkpoint.format': BROKEN,
  'checkpoint.mismatch': BROKEN,
  'job.failed': BROKEN,
  io: BROKEN,
  internal: BROKEN,
};

/** An error response. */
export interface ErrorAnswer {
  status: number;
  code: ServeCode;
  message: string;
  headers: Readonly<Record<string, string>>;
}

/** The response for anything thrown. */
export function answerOf(error: unknown): ErrorAnswer {
  const code = error instanceof RequestError || isForjaError(error) ? error.code : 'internal';
  const { status, instead } = STATUS[code];
  return {
    status,
    code,
    message: instead ?? (error as Error).message, // codes without `instead` are only in our own errors
    headers: error instanceof RequestError ? error.headers : {},
  };
}
