// A small S3-compatible store for tests, in this process: lists, objects, copies, conditions, and failures on demand.
// It checks that requests are signed, not the signatures. What real stores do is tested by FORJA_S3 (sinks.test.ts) and
// by npm run interop.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What goes wrong with a request: 503 SlowDown, 409 as if another were being written, a connection that breaks before
 * it is done, or before the answer.
 */
export type Fault = 'slow' | 'conflict' | 'reset' | 'lost';

/** Credentials for the store, which takes any; they are not to be seen anywhere else. */
export const S3_CREDENTIALS = { AWS_ACCESS_KEY_ID: 'AKIATESTS', AWS_SECRET_ACCESS_KEY: 'secret-of-the-tests' };

/** A request as tests see it. */
export interface S3Request {
  /** `PUT`, `COPY`, `LIST` … */
  kind: string;
  key: string;
}

/** The store and its buckets. */
export interface S3Server {
  url: string;
  /** Objects of the bucket `bucket`, by key. */
  objects: Map<string, Uint8Array>;
  requests: S3Request[];
  /** Says what goes wrong with each request; by default nothing. */
  fault: (request: S3Request) => Fault | undefined;
  /** What `If-None-Match: *` does. */
  conditions: 'kept' | 'ignored' | 'refused';
  /** What a request that removes many objects does; `partly`: it removes every second one. */
  removals: 'kept' | 'partly' | 'refused';
  close(): Promise<void>;
}

/** Keys in one page of a list. */
const PAGE = 7;

/** Starts a store with one bucket, `bucket`. */
export async function startS3(): Promise<S3Server> {
  const http = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => serve(store, request, Buffer.concat(parts), response));
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const store: S3Server = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    objects: new Map(),
    requests: [],
    fault: () => undefined,
    conditions: 'kept',
    removals: 'kept',
    close: async () => {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
  return store;
}

function serve(store: S3Server, request: IncomingMessage, body: Uint8Array, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url!, store.url);
  const [bucket, ...rest] = pathname.slice(1).split('/').map(decodeURIComponent);
  const key = rest.join('/');
  const source = request.headers['x-amz-copy-source'];
  const kind =
    source !== undefined ? 'COPY' : searchParams.has('delete') ? 'REMOVE' : key === '' ? 'LIST' : request.method!;
  const fault = store.fault({ kind, key });
  store.requests.push({ kind, key });
  if (fault === 'reset') return void request.socket.destroy();
  const { status, type, bytes, headers }: Answer =
    fault === 'slow'
      ? error(503, 'SlowDown')
      : fault === 'conflict'
        ? error(409, 'ConditionalRequestConflict')
        : !request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential=')
          ? error(403, 'AccessDenied')
          : bucket !== 'bucket'
            ? error(404, 'NoSuchBucket')
            : ACTIONS[kind]!(store, key, { request, body, searchParams });
  if (fault === 'lost') return void request.socket.destroy();
  response.writeHead(status, { ...headers, ...(type === undefined ? {} : { 'content-type': type }) });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

interface Answer {
  status: number;
  type?: string;
  bytes?: Uint8Array | string;
  headers?: Record<string, string>;
}

interface Asked {
  request: IncomingMessage;
  body: Uint8Array;
  searchParams: URLSearchParams;
}

const get = ({ objects }: S3Server, key: string): Answer => {
  const bytes = objects.get(key);
  return bytes ? { status: 200, bytes, headers: { etag: etag(bytes) } } : error(404, 'NoSuchKey');
};

const ACTIONS: Readonly<Record<string, (store: S3Server, key: string, asked: Asked) => Answer>> = {
  GET: get,
  HEAD: get,
  PUT: ({ objects, conditions }, key, { request, body }) => {
    if (request.headers['if-none-match'] === '*') {
      if (conditions === 'refused') return error(501, 'NotImplemented');
      if (conditions === 'kept' && objects.has(key)) return error(412, 'PreconditionFailed');
    }
    objects.set(key, body);
    return { status: 200, headers: { etag: etag(body) } };
  },
  COPY: ({ objects }, key, { request }) => {
    const from = decodeURIComponent(String(request.headers['x-amz-copy-source'])).replace(/^\/?bucket\//, '');
    const bytes = objects.get(from);
    if (!bytes) return error(404, 'NoSuchKey');
    objects.set(key, bytes);
    return xml(200, `<CopyObjectResult><ETag>${etag(bytes)}</ETag></CopyObjectResult>`);
  },
  DELETE: ({ objects }, key) => {
    objects.delete(key);
    return { status: 204 };
  },
  REMOVE: ({ objects, removals }, _, { request, body }) => {
    if (removals === 'refused') return error(501, 'NotImplemented');
    const keys = [
      ...Buffer.from(body)
        .toString()
        .matchAll(/<Key>([^<]*)<\/Key>/g),
    ].map(([, key = '']) => unescaped(key));
    const known = ['content-md5', 'x-amz-checksum-crc32'].some((name) => request.headers[name] !== undefined);
    if (!known || keys.length === 0 || keys.length > 1000) return error(400, 'InvalidRequest');
    const kept = keys.filter((key, i) => removals === 'partly' && i % 2 === 1 && objects.has(key));
    for (const key of keys) if (!kept.includes(key)) objects.delete(key);
    const errors = kept.map((key) => `<Error><Key>${escaped(key)}</Key><Code>InternalError</Code></Error>`);
    return xml(200, `<DeleteResult>${errors.join('')}</DeleteResult>`);
  },
  LIST: ({ objects }, _, { searchParams }) => {
    const [prefix = '', delimiter = '', after = ''] = ['prefix', 'delimiter', 'continuation-token'].map(
      (name) => searchParams.get(name) ?? undefined,
    );
    const shared = new Set<string>();
    const keys = [...objects.keys()].sort().filter((key) => {
      const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      if (key.startsWith(prefix) && end >= 0) shared.add(key.slice(0, end + 1));
      return key.startsWith(prefix) && end < 0 && key > after;
    });
    const page = keys.slice(0, PAGE);
    const more = keys.length > page.length;
    const next = more ? `<NextContinuationToken>${escaped(page.at(-1)!)}</NextContinuationToken>` : '';
    return xml(
      200,
      `<ListBucketResult><IsTruncated>${more}</IsTruncated>${next}` +
        page.map((key) => `<Contents><Key>${escaped(key)}</Key></Contents>`).join('') +
        [...shared].map((one) => `<CommonPrefixes><Prefix>${escaped(one)}</Prefix></CommonPrefixes>`).join('') +
        '</ListBucketResult>',
    );
  },
};

function xml(status: number, text: string): Answer {
  return { status, type: 'application/xml', bytes: `<?xml version="1.0" encoding="UTF-8"?>\n${text}` };
}

function error(status: number, code: string): Answer {
  return xml(status, `<Error><Code>${code}</Code><Message>${code} of the tests</Message></Error>`);
}

function etag(bytes: Uint8Array): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

function unescaped(text: string): string {
  const signs: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replace(/&(\w+);/g, (mark, name: string) => signs[name] ?? mark);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
