// The type of a generator in the list.
import type { Manifest } from '@forja/core';

/** The discriminator of a generator. */
export interface Discriminator {
  /** Address of the file, from the page. */
  file: string;
  /** Size of the file. */
  bytes: number;
  /** Whether its scores are probabilities. */
  probability: boolean;
}

/** A generator in the list. */
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
  /** What it draws, from its card. */
  about?: string;
  /** The tiles into which its card's command cuts pictures. */
  tiles?: { tile: number; overlap: number };
  discriminator?: Discriminator;
  /** Address of a picture to begin with, for generators that take one. */
  example?: string;
  /** Whether that picture has the generator's own size: pictures are then shrunk to it, instead of cut into tiles. */
  whole?: boolean;
  /** A text to begin with, for generators that take one. */
  text?: string;
}
