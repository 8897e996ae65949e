// Reads a request's body within limits of size and time.
import { abortError, joinBytes } from '@forja/core';
import { RequestError } from './errors.js';
import type { Limits } from './limits.js';

/**
 * The whole body. Throws `request.tooLarge` (by its declared length, if any), `request.timeout`, or `aborted` if the
 * client leaves before it has sent all of it.
 */
export async function readBody(
  request: Request,
  { bodyBytes, bodyMs }: Pick<Limits, 'bodyBytes' | 'bodyMs'>,
): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = (): RequestError =>
    new RequestError('request.tooLarge', `body: expected at most ${bodyBytes} bytes, got more`, {
      connection: 'close',
    });
  if (Number(request.headers.get('content-length') ?? 0) > bodyBytes) throw tooLarge();
  const encoding = request.headers.get('content-encoding');
  if (encoding !== null && encoding !== 'identity')
    throw new RequestError('request.mediaType', `body: expected no Content-Encoding, got '${encoding.slice(0, 32)}'`);
  if (!request.body) return new Uint8Array(0);
  const reader = request.body.getReader() as ReadableStreamDefaultReader<Uint8Array>; // bodies are byte streams
  let late = (): void => undefined;
  const timeout = new Promise<never>(
    (_, reject) =>
      (late = () =>
        reject(
          new RequestError('request.timeout', `body: expected all of it within ${bodyMs} ms`, { connection: 'close' }),
        )),
  );
  const timer = setTimeout(late, bodyMs);
  const chunks: Uint8Array[] = [];
  try {
    for (let size = 0; ;) {
      const { done, value } = await Promise.race([reader.read(), timeout]);
      if (done) return joinBytes(chunks);
      size += value.length;
      if (size > bodyBytes) throw tooLarge();
      chunks.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => undefined);
    throw error instanceof RequestError ? error : abortError(error);
  } finally {
    clearTimeout(timer);
  }
}

/** The media type of a body without parameters; undefined if not given. */
export function mediaType(request: Request): string | undefined {
  return request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
}
