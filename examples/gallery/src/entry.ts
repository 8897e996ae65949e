// One generator of the list.
import type { Manifest } from '@forja/core';

/** A generator as the build found it. */
export interface Entry {
  /** Its name in the address: letters, digits and hyphens. */
  id: string;
  /** Its name on the page. */
  title: string;
  /** Address of the file, from the page. */
  file: string;
  /** Size of the file. */
  bytes: number;
  manifest: Manifest;
  /** What it draws, in the words of its card. */
  about?: string;
}
