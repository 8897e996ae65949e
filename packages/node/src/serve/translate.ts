// Requests and answers of /v1/translate: a picture as PNG in the body, the model's picture as PNG back.
import { messageOf, UsageError, type Generator, type ImageLike, type TranslateOptions } from '@forja/core';
import * as v from 'valibot';
import { decodePng, isPng, pngSize } from '../files/decode-png.js';
import { onWhite } from '../files/on-white.js';
import { checked } from './check.js';
import { RequestError } from './errors.js';
import { integer } from './images.js';
import type { Limits } from './limits.js';
import { encodePng } from './png.js';

/**
 * A given picture may have at most 1/16 of an answer's pixels, because models may enlarge it and need memory for many
 * feature maps of it.
 */
const SHARE = 16;

const SCHEMA = v.strictObject({
  model: v.optional(v.pipe(v.string(), v.maxLength(256, 'at most 256 characters'))),
  tile: v.optional(integer(8, 65_536)),
  overlap: v.optional(integer(0, 32_768)),
});

/** The query of a request, checked. */
export interface TranslateRequest {
  model: string | undefined;
  options: Pick<TranslateOptions, 'tile' | 'overlap'>;
}

/** Parses a query. Throws `usage` or `input.range`. */
export function translateRequest(given: unknown): TranslateRequest {
  const { model, tile, overlap } = checked('translate', SCHEMA, given);
  return {
    model,
    options: { ...(tile === undefined ? {} : { tile }), ...(overlap === undefined ? {} : { overlap }) },
  };
}

/**
 * The model's picture of the PNG in `body`. Throws RequestError for a body that is no PNG (`request.mediaType`) or too
 * large, UsageError for a damaged one.
 */
export async function translatedPng(
  generator: Generator,
  body: Uint8Array,
  { options }: TranslateRequest,
  { pixels }: Limits,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const picture = await pictureOf(body, Math.floor(pixels / SHARE));
  const batch = await generator.translate(onWhite(picture, generator.manifest), { ...options, signal });
  if (batch.width * batch.height > pixels)
    throw new RequestError('request.tooLarge', `translate: expected at most ${pixels} pixels to answer, got more`);
  return encodePng(batch.at(0));
}

async function pictureOf(body: Uint8Array, most: number): Promise<ImageLike> {
  if (!isPng(body))
    throw new RequestError('request.mediaType', 'translate: expected a PNG in the body, got something else');
  const { width, height } = pngSize(body);
  if (width * height > most)
    throw new RequestError(
      'request.tooLarge',
      `translate: expected a picture of at most ${most} pixels, got ${width} × ${height}`,
    );
  return decodePng(body).catch((cause: unknown) => {
    throw new UsageError(`translate: expected a whole PNG in the body, got a damaged one (${messageOf(cause)})`, {
      cause,
    });
  });
}
