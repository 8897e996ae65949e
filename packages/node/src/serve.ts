// Subpath `@forja/node/serve`: models behind HTTP. Separate from the main entry, so that the main entry does not import
// hono and prom-client.
export { serve } from './serve/service.js';
export type { ServeOptions, Service, ServeStats } from './serve/service.js';
export type { ModelSource } from './serve/models.js';
export type { Limits } from './serve/limits.js';
export { listen } from './serve/listen.js';
export type { Listening, ListenOptions } from './serve/listen.js';
export { serveLocalPage } from './serve/local-page.js';
export type { LocalDocument, LocalPage, LocalPageOptions, LocalPageSource } from './serve/local-page.js';
