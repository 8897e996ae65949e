// Addresses that callers give: relative ones are relative to the page, wherever the script that asks lies.
import { UsageError } from '@forja/core/page';

/** `address` in full. Throws `usage` naming `where` for what is no address of `what`. */
export function absolute(where: string, what: string, address: string | URL): string {
  // A server has neither; opening the executor says so.
  const base = globalThis.document?.baseURI ?? (globalThis.location as Location | undefined)?.href;
  try {
    return new URL(address, base ?? 'http://server.invalid').href;
  } catch (cause) {
    // A worker that was made of a Blob has no place of its own.
    const whole = base?.startsWith('blob:') ? ', whole, in a worker of a Blob' : '';
    throw new UsageError(`${where}: expected ${what}${whole}, got '${String(address)}'`, { cause });
  }
}
