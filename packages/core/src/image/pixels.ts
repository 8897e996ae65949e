// Pictures as plain data, for the encoders. Those do not import Image and ImageBatch, whose methods import them.

/** Channels a picture may have: grey, RGB or RGBA. */
export type Channels = 1 | 3 | 4;

/** The pixels of one picture. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: Channels;
  readonly data: Uint8ClampedArray;
}

/** The pixels of `count` pictures of one size, together and one by one. */
export interface Frames extends Pixels, Iterable<Pixels> {
  readonly count: number;
}
