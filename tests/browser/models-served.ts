// Addresses whose answers a browser test sets: bytes with headers, compressed or not, or a broken connection. Counts
// requests.
import { gzipSync } from 'node:zlib';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** How an address answers. */
export interface Answer {
  bytes?: number[];
  etag?: string;
  lastModified?: string;
  gzip?: boolean;
  status?: number;
  /** Break the connection without an answer. */
  gone?: boolean;
  /** Redirect target. */
  redirect?: string;
  /** Allow other origins to read it. */
  cors?: boolean;
  /** Withhold the second half until a request with `?rest`. */
  halves?: boolean;
}

const answers = new Map<string, { answer: Answer; bodies: number; asked: number; rest?: () => void }>();

/**
 * Sets the answer of `/__forja/set/<name>`; returns the number of requests since it was last set, and how many of them
 * got a body.
 */
export function setAnswer(name: string, answer: Answer): { asked: number; bodies: number } {
  const { asked = 0, bodies = 0 } = answers.get(name) ?? {};
  answers.set(name, { answer, asked: 0, bodies: 0 });
  return { asked, bodies };
}

/** Answers as set by {@link setAnswer}. */
export function answerAs(name: string, request: IncomingMessage, response: ServerResponse): void {
  const set = answers.get(name);
  if (!set) return void ((response.statusCode = 404), response.end());
  const {
    bytes = [],
    etag,
    lastModified,
    gzip = false,
    status = 200,
    gone = false,
    cors = false,
    halves = false,
    redirect,
  } = set.answer;
  if (request.url?.endsWith('?rest')) return void (set.rest?.(), response.end());
  set.asked++;
  if (gone) return void request.socket.destroy();
  if (etag !== undefined) response.setHeader('ETag', etag);
  if (lastModified !== undefined) response.setHeader('Last-Modified', lastModified);
  response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
  if (redirect !== undefined) return void response.writeHead(302, { location: redirect }).end();
  if (cors) response.setHeader('Access-Control-Allow-Origin', '*');
  const known =
    (etag !== undefined && request.headers['if-none-match'] === etag) ||
    (lastModified !== undefined && request.headers['if-modified-since'] === lastModified);
  if (status === 200 && known) return void ((response.statusCode = 304), response.end());
  response.statusCode = status;
  const body = gzip ? gzipSync(Uint8Array.from(bytes)) : Buffer.from(bytes);
  if (gzip) response.setHeader('Content-Encoding', 'gzip');
  response.setHeader('Content-Type', 'application/octet-stream');
  response.setHeader('Content-Length', body.length);
  set.bodies++;
  if (!halves) return void response.end(body);
  set.rest = () => void response.end(body.subarray(body.length >> 1));
  response.write(body.subarray(0, body.length >> 1));
}
