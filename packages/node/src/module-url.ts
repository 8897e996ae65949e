// Where this package's code is: in its own files, or in a bundle.
import { pathToFileURL } from 'node:url';

// Bundles in CommonJS have no import.meta.url, but this.
declare const __filename: string | undefined;

/** URL of the file that this function is in. */
export function moduleUrl(): string {
  return (import.meta as { url?: string }).url ?? pathToFileURL(String(__filename)).href;
}
