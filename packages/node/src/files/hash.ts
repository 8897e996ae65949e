// SHA-256 of a model's bytes, of any length, without blocking the event loop for long.
import { createHash, webcrypto } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

/** Web Crypto's size limit. */
const LIMIT = 2 ** 31 - 1;
const CHUNK = 2 ** 24;

/**
 * The digest in hexadecimal, computed in libuv's thread pool, or in this thread piece by piece if the bytes exceed Web
 * Crypto's limit.
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= LIMIT) return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += CHUNK) {
    hash.update(bytes.subarray(at, at + CHUNK));
    await setImmediate();
  }
  return hash.digest('hex');
}
