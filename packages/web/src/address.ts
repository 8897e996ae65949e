// Resolves addresses from callers: relative to the page, not to the calling script.
import { shown, UsageError } from '@forja/core/page';

/**
 * `address` as an absolute URL. Throws `usage` if it is not a valid address; `where` and `what` are for the message.
 */
export function absolute(where: string, what: string, address: string | URL): string {
  // On a server there is neither document nor location; opening the executor reports that.
  const base = globalThis.document?.baseURI ?? (globalThis.location as Location | undefined)?.href;
  try {
    return new URL(address, base ?? 'http://server.invalid').href;
  } catch (cause) {
    // A worker made from a Blob has no base address.
    const whole = base?.startsWith('blob:') ? ' (absolute, in a worker made from a Blob)' : '';
    throw new UsageError(`${where}: expected ${what}${whole}, got ${shown(address)}`, { cause });
  }
}
