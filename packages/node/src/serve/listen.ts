// Serves on a port with node:http: slow senders are cut off, and stopping loses no request that was already sent.
import { createServer, type Server } from 'node:http';
import { Server as NetServer, type AddressInfo } from 'node:net';
import { ForjaError, optionsOf, shown, UsageError } from '@forja/core';
import { getRequestListener } from '@hono/node-server';
import type { Service } from './service.js';
import { reasonOf } from '../files/reason.js';

/** Options of {@link listen}. */
export interface ListenOptions {
  /** Address to listen on. Default `127.0.0.1`: this machine only. */
  host?: string;
  /** Default 8080; 0: a free one. */
  port?: number;
  /** Maximum connections. Default 1024. */
  connections?: number;
  /** Milliseconds that `close` waits for answers before it cuts them off. Default 30,000. */
  drainMs?: number;
}

/** A listening service. */
export interface Listening {
  /** Its address, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /**
   * Stops accepting connections, answers requests on open ones, closes them, and closes the service. Resolves to the
   * number of requests that were cut off.
   */
  close(): Promise<{ cut: number }>;
}

/**
 * Keep-alive clients may send a request just before they notice the stop, so idle connections are closed only after
 * this delay.
 */
const IDLE_MS = 1000;

/** The options, checked and with defaults. */
function listenOptions(options: ListenOptions): Required<ListenOptions> {
  const {
    host = '127.0.0.1',
    port = 8080,
    connections = 1024,
    drainMs = 30_000,
  } = optionsOf('listen', options, 'connections drainMs host port');
  if (typeof host !== 'string' || host === '')
    throw new UsageError(`listen.host: expected an address, got ${shown(host)}`);
  for (const [name, value, least, most] of [
    ['port', port, 0, 65_535],
    ['connections', connections, 1, 1e6],
    ['drainMs', drainMs, 0, 3_600_000],
  ] as const) {
    if (!Number.isInteger(value) || value < least || value > most)
      throw new UsageError(`listen.${name}: expected an integer from ${least} to ${most}, got ${shown(value)}`, {
        code: 'input.range',
      });
  }
  return { host, port, connections, drainMs };
}

/** Listens. Throws ForjaError `io` if the port is unavailable. */
export async function listen(service: Service, options: ListenOptions = {}): Promise<Listening> {
  const { host, port, connections, drainMs } = listenOptions(options);
  if (typeof (Object(service) as Partial<Service>).fetch !== 'function')
    throw new UsageError(`listen: expected a service made by serve(), got ${shown(service)}`);
  let stopping = false;
  const fetch = async (request: Request): Promise<Response> => {
    const response = await service.fetch(request);
    if (stopping) response.headers.set('connection', 'close');
    return response;
  };
  const server = createServer(
    {
      headersTimeout: 10_000,
      requestTimeout: service.limits.bodyMs + 10_000,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: 5000,
    },
    getRequestListener(fetch, { overrideGlobalObjects: false }),
  );
  server.maxConnections = connections;
  server.setTimeout(300_000); // ends connections of clients that neither read nor send
  await opened(server, host, port, 'listen');
  let closing: Promise<{ cut: number }> | undefined;
  return {
    url: urlOf(server),
    close: () => {
      closing ??= (async () => {
        stopping = true;
        service.drain();
        // http's own close() would close idle connections immediately and lose requests in flight.
        const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
        const begun = performance.now();
        let cut = 0;
        const sweep = setInterval(() => {
          const waited = performance.now() - begun;
          if (waited >= IDLE_MS) server.closeIdleConnections();
          if (waited < drainMs) return;
          const { accepted, answered, aborted } = service.stats();
          cut = Math.max(cut, accepted - answered - aborted);
          server.closeAllConnections();
        }, 50);
        await closed;
        clearInterval(sweep);
        server.close(); // stops http's periodic checks of connections
        await service.close();
        return { cut };
      })();
      return closing;
    },
  };
}

/**
 * Resolves when the server listens; `where` begins the error message. Throws ForjaError `io` if the port is
 * unavailable.
 */
export function opened(server: Server, host: string, port: number, where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? 'the port is taken; choose another, or 0 for a free one'
          : cause.code === 'EADDRNOTAVAIL'
            ? 'this machine has no such address'
            : reasonOf(cause);
      reject(new ForjaError('io', `${where}: cannot listen on ${host}:${port}: ${why}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
}

/** The address that the server listens on. */
export function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo; // a port, not a pipe
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
