// What the tests use of two decoders that come without types.
declare module 'omggif' {
  export class GifReader {
    constructor(bytes: Uint8Array);
    readonly width: number;
    readonly height: number;
    numFrames(): number;
    loopCount(): number | null;
    /** `delay` in hundredths of a second. */
    frameInfo(frame: number): { delay: number; width: number; height: number };
    decodeAndBlitFrameRGBA(frame: number, pixels: Uint8ClampedArray): void;
  }
}
declare module 'upng-js' {
  export interface Decoded {
    width: number;
    height: number;
    depth: number;
    /** PNG colour type: 0 grey, 2 RGB, 6 RGBA. */
    ctype: number;
    frames: { rect: { x: number; y: number; width: number; height: number }; delay: number }[];
    tabs: { acTL?: { num_frames: number; num_plays: number } };
  }
  const UPNG: { decode(file: ArrayBuffer): Decoded; toRGBA8(decoded: Decoded): ArrayBuffer[] };
  export default UPNG;
}
