// Animated PNG (PNG specification, third edition, section 11.3.4): fast-png compresses each frame; this file assembles
// them.
import { joined } from '../joined.js';
import { timing, type AnimationOptions, type EncoderTools } from './animation.js';
import type { Frames } from './pixels.js';
import { encodePNG } from './png.js';

/** The bytes of an APNG file, which readers that do not support animation show as a plain PNG of the first frame. */
export function encodeAPNG(batch: Frames, tools: Omit<EncoderTools, 'rgbaOf'>, options?: AnimationOptions): Uint8Array {
  const { delayMs, plays } = timing('toAPNG', tools, batch.count, options);
  const parts: Uint8Array[] = [];
  let sequence = 0;
  let frame = 0;
  for (const image of batch) {
    const chunks = chunksOf(encodePNG(image));
    if (frame === 0)
      // every PNG has an IHDR chunk
      parts.push(SIGNATURE, chunk('IHDR', chunks.get('IHDR') as Uint8Array), chunk('acTL', words(batch.count, plays)));
    parts.push(
      chunk(
        'fcTL',
        joined([words(sequence++, image.width, image.height, 0, 0), halves(delayMs, 1000), Uint8Array.of(0, 0)]),
      ),
    );
    const data = chunks.get('IDAT') as Uint8Array; // every PNG has an IDAT chunk
    parts.push(frame === 0 ? chunk('IDAT', data) : chunk('fdAT', joined([words(sequence++), data])));
    frame++;
  }
  return joined([...parts, chunk('IEND', new Uint8Array(0))]);
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** Contents of the chunks, by type; fast-png writes one chunk of each type. */
function chunksOf(png: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(png.buffer, png.byteOffset, png.length);
  const chunks = new Map<string, Uint8Array>();
  for (let at = SIGNATURE.length; at < png.length;) {
    const size = view.getUint32(at);
    chunks.set(String.fromCharCode(...png.subarray(at + 4, at + 8)), png.subarray(at + 8, at + 8 + size));
    at += 12 + size;
  }
  return chunks;
}

function chunk(type: string, content: Uint8Array): Uint8Array {
  const body = joined([Uint8Array.from(type, (letter) => letter.charCodeAt(0)), content]);
  return joined([words(content.length), body, words(crc32(body))]);
}

function words(...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, i) => view.setUint32(i * 4, value));
  return new Uint8Array(view.buffer);
}

function halves(...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 2));
  values.forEach((value, i) => view.setUint16(i * 2, value));
  return new Uint8Array(view.buffer);
}

/** The CRC-32 that PNG uses, with the reflected polynomial 0xEDB88320. */
function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
