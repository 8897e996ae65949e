// The URL of this package's code, whether bundled or not.
import { pathToFileURL } from 'node:url';

// CommonJS bundles have this instead of import.meta.url.
declare const __filename: string | undefined;

/** URL of the file that this function is in. */
export function moduleUrl(): string {
  return (import.meta as { url?: string }).url ?? pathToFileURL(String(__filename)).href;
}
