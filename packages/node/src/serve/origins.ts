// CORS: pages of other origins that may use the service. By default browsers block them.
import { shown, UsageError } from '@forja/core';
import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';

/** Response headers that scripts of those pages may read. */
const READABLE = ['Inference-Header-Content-Length', 'Retry-After'];
/** Seconds that browsers cache a preflight answer. */
const REMEMBERED = 600;

/** Checks origins: `*`, or origins as browsers write them. */
export function originsOf(origins: readonly string[] = []): readonly string[] {
  if (!Array.isArray(origins)) throw new UsageError(`serve.origins: expected a list, got ${shown(origins)}`);
  for (const origin of origins) {
    const seen = origin === '*' ? origin : URL.canParse(origin) ? new URL(origin).origin : 'no address';
    if (seen !== origin)
      throw new UsageError(
        `serve.origins: expected '*' or an origin such as https://example.org, got ${shown(origin)}` +
          (seen === 'no address' || seen === 'null' ? '' : `; its origin is ${seen}`),
      );
  }
  return origins;
}

/** Answers preflight requests of these origins, and lets their scripts read answers. */
export function crossOrigin(origins: readonly string[]): MiddlewareHandler {
  return cors({
    origin: origins.includes('*') ? '*' : [...origins],
    allowMethods: ['GET', 'HEAD', 'POST'],
    exposeHeaders: READABLE,
    maxAge: REMEMBERED,
  });
}
