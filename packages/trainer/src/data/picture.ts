// A decoded picture. PNG is decoded in JavaScript (./png.ts), other formats by what the surroundings have: sharp in
// Node, createImageBitmap in a page.
import { ForjaError } from '@forja/core';

/** A picture as its file has it, the right way up. */
export interface Picture {
  width: number;
  height: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA; alpha is not multiplied in. */
  channels: number;
  /** Row by row, channels last; 16 bits stay 16 bits. */
  data: Uint8Array | Uint8ClampedArray | Uint16Array;
}

/** Turns the bytes of a file into a picture. Throws anything for what is none. */
export type Decode = (bytes: Uint8Array) => Picture | Promise<Picture>;

/** Endings of the files that are taken for pictures; their content decides how they are decoded. */
export const PICTURE_FILE: RegExp = /\.(png|jpe?g|webp|avif)$/i;

/** The error for a file that is no picture, or a damaged one. */
export function notAPicture(file: string, cause: unknown): ForjaError {
  if (cause instanceof ForjaError) return cause;
  return new ForjaError(
    'data.format',
    `data: expected a picture, got a file that cannot be read at ${file} (${cause instanceof Error ? cause.message : String(cause)})`,
    { cause },
  );
}
