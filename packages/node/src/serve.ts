// Subpath `@forja/node/serve`: models behind HTTP. Apart from the main entry, which stays free of hono and prom-client.
export { serve } from './serve/service.js';
export type { ServeOptions, Service, ServeStats } from './serve/service.js';
export type { ModelSource } from './serve/models.js';
export type { Limits } from './serve/limits.js';
export { listen } from './serve/listen.js';
export type { Listening, ListenOptions } from './serve/listen.js';
