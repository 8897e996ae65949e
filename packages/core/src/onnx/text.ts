// Lossless conversion of a model's strings, which should be UTF-8: a byte that is not UTF-8 becomes a lone surrogate
// U+DC80-U+DCFF and is converted back (Python's "surrogateescape").
import { fromUtf8, utf8 } from '../platform.js';

/** Decodes bytes that should be UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return asciiOf(bytes) ?? fromUtf8(bytes);
  } catch {
    return escaped(bytes);
  }
}

/** The inverse of {@link decodeText}. Other lone surrogates become U+FFFD, as everywhere on the web. */
export function encodeText(text: string): Uint8Array {
  if (!hasLoneSurrogates(text)) return utf8(text);
  const bytes = text
    .split(/([\udc80-\udcff])/u)
    .flatMap((part, i) => (i % 2 === 1 ? part.charCodeAt(0) - 0xdc00 : [...utf8(part)]));
  return Uint8Array.from(bytes);
}

/** Whether a text needs {@link encodeText}: it holds bytes that were not UTF-8, or is malformed itself. */
export function hasLoneSurrogates(text: string): boolean {
  return /[\ud800-\udfff]/u.test(text);
}

/**
 * The text of short ASCII bytes, which most names are; undefined for others. A loop is several times faster than a
 * TextDecoder.
 */
function asciiOf(bytes: Uint8Array): string | undefined {
  if (bytes.length > 48) return undefined;
  let text = '';
  for (const byte of bytes) {
    if (byte > 127) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

function escaped(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const codes: number[] = [];
    while (at < bytes.length && codes.length < 8192) {
      const [code, length] = sequence(bytes, at);
      if (code > 0xffff) codes.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + (code & 0x3ff));
      else codes.push(code);
      at += length;
    }
    text += String.fromCharCode(...codes);
  }
  return text;
}

/**
 * The code point at `at` and its length; an escape of length 1 if the bytes are not valid (RFC 3629: no overlong form,
 * no surrogate, none above U+10FFFF).
 */
function sequence(bytes: Uint8Array, at: number): readonly [code: number, length: number] {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return [lead, 1];
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  let code = lead & (0x7f >> length);
  let good = lead >= 0xc2 && lead <= 0xf4;
  for (let i = 1; i < length; i++) {
    const next = bytes[at + i] ?? 0;
    good &&= next >> 6 === 2;
    code = (code << 6) | (next & 0x3f);
  }
  good &&=
    code >= (length === 4 ? 0x10000 : length === 3 ? 0x800 : 0x80) &&
    code <= 0x10ffff &&
    !(code >= 0xd800 && code <= 0xdfff);
  return good ? [code, length] : [0xdc00 + lead, 1];
}
