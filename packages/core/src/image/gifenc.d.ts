// The parts of gifenc that we use; it has no types of its own.
declare module 'gifenc' {
  export type Color = [number, number, number];
  export interface GIF {
    writeFrame(
      index: Uint8Array,
      width: number,
      height: number,
      options: { palette?: Color[]; delay: number; repeat: number },
    ): void;
    finish(): void;
    bytes(): Uint8Array;
  }
  export interface Gifenc {
    GIFEncoder(): GIF;
    quantize(rgba: Uint8ClampedArray, colors: number, options?: { format: 'rgb565' }): Color[];
    applyPalette(rgba: Uint8ClampedArray, palette: Color[], format?: 'rgb565'): Uint8Array;
  }
  export const GIFEncoder: Gifenc['GIFEncoder'] | undefined;
  const fallback: Gifenc;
  export default fallback;
}
