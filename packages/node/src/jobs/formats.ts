// How a picture of a job is stored: encoders by the extension of the file.
import type { Image } from '@forja/core';

/** Encoders by name. */
export const FORMATS = {
  png: (image: Image): Promise<Uint8Array> => image.toPNG(),
} as const;

/** The name of a format. */
export type Format = keyof typeof FORMATS;

/** Names of all formats. */
export const FORMAT_NAMES = Object.keys(FORMATS) as [Format, ...Format[]];
