// SHA-256 by the platform's Web Crypto, which Node and secure pages have.
import { ForjaError } from '@forja/core';

/** The part of Web Crypto used here, declared so that it compiles with and without DOM types. */
interface Digests {
  digest(algorithm: 'SHA-256', bytes: Uint8Array): Promise<ArrayBuffer>;
}

/**
 * SHA-256 of bytes. Throws ForjaError `internal` in a page that is not secure (http on another host than localhost),
 * because browsers hide Web Crypto there.
 */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  const subtle = (globalThis as { crypto?: { subtle?: Digests } }).crypto?.subtle;
  if (!subtle)
    throw new ForjaError(
      'internal',
      'sha256: expected Web Crypto, got none; serve the page over https or from localhost',
    );
  return new Uint8Array(await subtle.digest('SHA-256', bytes));
}

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}
