// A decoded picture. PNG is decoded in JavaScript (./png.ts), other formats by sharp in Node and createImageBitmap in a
// page.
import { ForjaError } from '@forja/core';

/** A picture in the format of its file, turned upright. */
export interface Picture {
  width: number;
  height: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA; alpha is not premultiplied. */
  channels: number;
  /** Row by row, channels last; 16 bits are kept. */
  data: Uint8Array | Uint8ClampedArray | Uint16Array;
}

/** Decodes the bytes of a file. Throws if they are not a picture. */
export type Decode = (bytes: Uint8Array) => Picture | Promise<Picture>;

/** Extensions of picture files; their content decides how they are decoded. */
export const PICTURE_FILE: RegExp = /\.(png|jpe?g|jfif|webp|avif)$/i;

/** The error for a file that is not a picture, or a damaged one. */
export function notAPicture(file: string, cause: unknown): ForjaError {
  if (cause instanceof ForjaError) return cause;
  return new ForjaError(
    'data.format',
    `data: expected a picture, got a file that cannot be read at ${file} ` +
      `(${cause instanceof Error ? cause.message : String(cause)})`,
    { cause },
  );
}
