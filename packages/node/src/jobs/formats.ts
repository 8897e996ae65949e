// File formats of a job's pictures: encoders by file extension.
import type { Image } from '@forja/core';

/** The name of a format. */
export type Format = 'png';

/** Encoders by name. */
export const FORMATS: Readonly<Record<Format, (image: Image) => Promise<Uint8Array>>> = {
  png: (image) => image.toPNG(),
};

/** Names of all formats. */
export const FORMAT_NAMES: readonly Format[] = Object.keys(FORMATS) as Format[]; // the type has no other keys
