// Serves a local page: a document, and messages to it as server-sent events, on loopback only. It never keeps the
// process alive.
import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { UsageError } from '@forja/core';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { streamSSE } from 'hono/streaming';
import { opened, urlOf } from './listen.js';

/** A document and its inline scripts and styles. Its content security policy allows only these. */
export interface LocalDocument {
  html: string;
  scripts: readonly string[];
  styles: readonly string[];
}

/** Source of the page's content. */
export interface LocalPageSource {
  /** The document, at `/`. */
  document(): Promise<LocalDocument>;
  /**
   * Messages to one open page, at `/events`; the next one is requested after the previous one was sent. `gone` is
   * aborted when the page is closed or the server ends.
   */
  messages(gone: AbortSignal): AsyncIterable<string>;
}

/** Options of {@link serveLocalPage}. */
export interface LocalPageOptions {
  /** Default 0: a free one. */
  port?: number;
  /** Milliseconds that `close` waits for the last messages to be sent. Default 2000. */
  graceMs?: number;
}

/** A served page. */
export interface LocalPage {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Waits until pending messages are sent to the open pages, then closes. */
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
/** Maximum number of open pages. */
const CONNECTIONS = 64;

/**
 * Serves a page on 127.0.0.1. Requests with another host name are refused, so that no site can reach it by a domain
 * that resolves to this machine (DNS rebinding). @throws ForjaError `io` if the port is unavailable; UsageError
 * `input.range` for an invalid port.
 */
export async function serveLocalPage(source: LocalPageSource, options: LocalPageOptions = {}): Promise<LocalPage> {
  const { port = 0, graceMs = 2000 } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new UsageError(`watch.port: expected an integer from 0 to 65535, got ${port}`, { code: 'input.range' });
  const ends = new AbortController();
  const open = new Set<ServerResponse>();
  const app = new Hono<{ Bindings: HttpBindings }>();
  let hosts: readonly string[] = [];

  app.use(secureHeaders({ strictTransportSecurity: false }));
  app.use(async (c, next) => {
    if (!hosts.includes(c.req.header('host') ?? ''))
      return c.text(`expected a request to ${hosts.join(' or ')}, got one for another host\n`, 403);
    return next();
  });
  app.get('/', async (c) => {
    const { html, scripts, styles } = await source.document();
    c.header('content-security-policy', policyOf(scripts, styles));
    c.header('cache-control', 'no-store');
    return c.html(html);
  });
  app.get('/events', (c) => {
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    const { outgoing } = c.env;
    open.add(outgoing);
    ends.signal.addEventListener('abort', leave);
    outgoing.once('close', () => {
      open.delete(outgoing);
      ends.signal.removeEventListener('abort', leave);
      leave();
    });
    return streamSSE(
      c,
      async (stream) => {
        for await (const data of source.messages(gone.signal)) {
          if (gone.signal.aborted) return;
          await stream.writeSSE({ data });
        }
      },
      () => Promise.resolve(), // if the source fails, the page only sees that the connection ended
    );
  });
  app.notFound((c) => c.text('expected / or /events, got another path\n', 404));
  app.onError((error, c) => c.text(`${error.message}\n`, 503));

  const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  server.maxConnections = CONNECTIONS;
  server.on('connection', (socket) => socket.unref());
  await opened(server, HOST, port, 'watch');
  server.unref();
  const url = urlOf(server);
  const { host, port: own } = new URL(url); // without :80, because browsers omit it
  hosts = [host, own === '' ? 'localhost' : `localhost:${own}`];
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    server.close();
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      Promise.all([...open].map((outgoing) => new Promise((done) => outgoing.once('close', done)))),
      new Promise((done) => (timer = setTimeout(done, graceMs))),
    ]);
    clearTimeout(timer);
    ends.abort();
    server.closeAllConnections();
  };
  return { url, close: () => (closing ??= close()) };
}

/**
 * The policy allows scripts and styles by their digests, inline pictures, and messages from this server; nothing else.
 */
function policyOf(scripts: readonly string[], styles: readonly string[]): string {
  const digests = (texts: readonly string[]): string =>
    texts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`).join(' ');
  return [
    "default-src 'none'",
    `script-src ${digests(scripts)}`,
    `style-src ${digests(styles)}`,
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
