// The Exif orientation of a picture (TIFF tag 0x0112, values 1 to 8), and turning pictures accordingly, for decoders
// that ignore it: fast-png and pngjs for PNG, Chromium for WebP.

/** The pixels of a decoded picture, row by row, channels last. */
export interface DecodedPixels {
  width: number;
  height: number;
  channels: number;
  data: Uint8Array | Uint8ClampedArray | Uint16Array;
}

const ORIENTATION = 0x0112;

/** The orientation in the chunk eXIf of a PNG file; 1 without it. */
export function pngOrientation(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length;) {
    const [length, type] = [view.getUint32(at), view.getUint32(at + 4)];
    if (type === 0x65584966) return exifOrientation(bytes.subarray(at + 8, at + 8 + length)); // 'eXIf'
    at += 12 + length;
  }
  return 1;
}

/** The orientation in the chunk EXIF of a WebP file; 1 without it, or for another file. */
export function webpOrientation(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || view.getUint32(0) !== 0x52494646 || view.getUint32(8) !== 0x57454250) return 1; // RIFF WEBP
  for (let at = 12; at + 8 <= bytes.length;) {
    const [type, length] = [view.getUint32(at), view.getUint32(at + 4, true)];
    const content = bytes.subarray(at + 8, at + 8 + length);
    // 'EXIF'; some writers put 'Exif\0\0' in front, as in JPEG
    if (type === 0x45584946) return exifOrientation(content[0] === 0x45 ? content.subarray(6) : content);
    at += 8 + length + (length % 2);
  }
  return 1;
}

/** The orientation in the first directory of Exif data; 1 if missing or invalid. */
function exifOrientation(exif: Uint8Array): number {
  if (exif.length < 8) return 1;
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  const little = exif[0] === 0x49;
  const start = view.getUint32(4, little);
  if (start + 2 > exif.length) return 1;
  const entries = view.getUint16(start, little);
  for (let i = 0, at = start + 2; i < entries && at + 12 <= exif.length; i++, at += 12) {
    if (view.getUint16(at, little) !== ORIENTATION) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** The picture turned upright, given its Exif orientation (1 to 8). */
export function oriented(picture: DecodedPixels, orientation: number): DecodedPixels {
  if (orientation === 1) return picture;
  const { width, height, channels, data } = picture;
  const turned = orientation > 4; // rows become columns
  const [w, h] = turned ? [height, width] : [width, height];
  const out = new (data.constructor as Uint8ArrayConstructor)(data.length); // of the same type
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const [u, v] = turned ? [y, x] : [x, y];
      // Exif 2.3, table 6: where row 0 and column 0 of the stored picture are
      const sx = [2, 3, 7, 8].includes(orientation) ? width - 1 - u : u;
      const sy = [3, 4, 6, 7].includes(orientation) ? height - 1 - v : v;
      for (let c = 0; c < channels; c++)
        out[(y * w + x) * channels + c] = data[(sy * width + sx) * channels + c] as number; // within the picture
    }
  }
  return { width: w, height: h, channels, data: out };
}
