// A bucket of an S3-compatible store, with the operations that jobs need. The only file that imports
// @aws-sdk/client-s3, an optional peer. The SDK finds credentials by itself; our code never handles them.
import { setTimeout as pause } from 'node:timers/promises';
import { ForjaError, messageOf, UsageError } from '@forja/core';
import type { S3Client } from '@aws-sdk/client-s3';
import { hasCode } from '../has-code.js';

type Sdk = typeof import('@aws-sdk/client-s3');

/** Address and region of a store; by default from the SDK's environment variables and files. */
export interface StoreOptions {
  /** Address of a store that is not Amazon's: `http(s)://host:port`. Its buckets are then addressed by path. */
  endpoint?: string;
  /** Default with an endpoint: us-east-1, which most stores ignore. */
  region?: string;
}

/** A bucket, and a prefix of all keys, which ends with a slash unless it is empty. */
export interface Place {
  bucket: string;
  prefix: string;
}

/** Number of attempts per request if AWS_MAX_ATTEMPTS is not set. Busy stores answer 503, so several are needed. */
const ATTEMPTS = 6;
/** Time limits, in milliseconds, for connecting, and for a request with its answer. */
const [CONNECT_MS, ANSWER_MS] = [10_000, 60_000];
/** Milliseconds before a conditional put that conflicted with another one is retried. */
const CONFLICT_MS = 200;
/** Maximum number of objects that one request deletes. */
const MOST_REMOVED = 1000;
/** Number of attempts to read an answer that ends early. */
const READS = 3;

/** Parses `s3://bucket/prefix`. Throws UsageError, whose message hides a password in the address. */
export function placeOf(where: string, address: string): Place {
  const [, bucket, prefix = ''] = /^s3:\/\/([A-Za-z0-9][\w.-]{1,254})(?:\/+(.*?)\/*)?$/s.exec(address) ?? [];
  const parts = prefix === '' ? [] : prefix.split('/');
  if (bucket === undefined || parts.some((part) => /^\.{0,2}$/.test(part)))
    throw new UsageError(
      `${where}: expected an address such as s3://bucket/pictures, got '${address.replace(/\/\/[^@]*@/s, '//…@')}'`,
    );
  return { bucket, prefix: parts.map((part) => `${part}/`).join('') };
}

/** A client for all buckets of a process. Throws UsageError if the SDK is missing. */
export async function openStore({ endpoint, region }: StoreOptions): Promise<Store> {
  const sdk = await peer();
  const { env } = process;
  const other = endpoint ?? (env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL'] || undefined);
  if (other !== undefined && !/^https?:\/\/[^\s/@]+\/?$/.test(other))
    throw new UsageError(
      'jobs --endpoint: expected an address such as https://store.example:8333, ' +
        `got '${other.replace(/\/\/[^@]*@/s, '//…@')}'`,
    );
  const where = region ?? (other !== undefined && !env['AWS_REGION'] ? 'us-east-1' : undefined);
  const client = new sdk.S3Client({
    // Other stores have no host name per bucket, and older ones do not support the checksums that Amazon added.
    ...(other === undefined
      ? {}
      : {
          endpoint: other,
          forcePathStyle: true,
          requestChecksumCalculation: 'WHEN_REQUIRED',
          responseChecksumValidation: 'WHEN_REQUIRED',
        }),
    ...(where === undefined ? {} : { region: where }),
    ...(env['AWS_MAX_ATTEMPTS'] ? {} : { maxAttempts: ATTEMPTS }),
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS, throwOnRequestTimeout: true },
  });
  return { sdk, client };
}

/** The SDK's client and commands, as {@link Bucket} uses them. */
export interface Store {
  sdk: Sdk;
  client: S3Client;
}

/** Objects by key. Failures are ForjaErrors `io`. */
export class Bucket {
  readonly #store: Store;
  readonly #name: string;
  /** False once the store has refused a request that removes many objects. */
  #removesMany = true;

  constructor(store: Store, name: string) {
    this.#store = store;
    this.#name = name;
  }

  /** The bytes of an object; undefined if there is none. */
  async get(key: string): Promise<Uint8Array | undefined> {
    const { sdk, client } = this.#store;
    for (let read = 1; ; read++) {
      const answer = await this.#tried(key, () =>
        client.send(new sdk.GetObjectCommand({ Bucket: this.#name, Key: key })).catch(unlessMissing),
      );
      if (!answer?.Body) return undefined;
      try {
        return await answer.Body.transformToByteArray();
      } catch (cause) {
        if (read >= READS) throw this.#error(key, cause);
      }
    }
  }

  /** Whether there is an object. */
  async has(key: string): Promise<boolean> {
    const { sdk, client } = this.#store;
    return this.#tried(
      key,
      async () =>
        (await client.send(new sdk.HeadObjectCommand({ Bucket: this.#name, Key: key })).catch(unlessMissing)) !==
        undefined,
    );
  }

  /** Writes an object, or replaces it. */
  async put(key: string, bytes: Uint8Array, type: string): Promise<void> {
    const { sdk, client } = this.#store;
    const put = new sdk.PutObjectCommand({ Bucket: this.#name, Key: key, Body: bytes, ContentType: type });
    await this.#tried(key, () => client.send(put));
  }

  /**
   * Writes an object unless there is one. A store without conditional writes replaces it, so read the object
   * afterwards.
   */
  async putNew(key: string, bytes: Uint8Array, type: string): Promise<void> {
    const { sdk, client } = this.#store;
    const put = { Bucket: this.#name, Key: key, Body: bytes, ContentType: type };
    for (let tried = 1; ; tried++) {
      const error: unknown = await client.send(new sdk.PutObjectCommand({ ...put, IfNoneMatch: '*' })).then(
        () => undefined,
        (cause: unknown) => cause,
      );
      const { name, status } = kindOf(error);
      if (error === undefined || status === 412) return;
      if (status === 501 || name === 'NotImplemented') return this.put(key, bytes, type);
      // 409: a concurrent write is in progress and may still fail
      if (status !== 409 || tried >= ATTEMPTS) throw this.#error(key, error);
      await pause(CONFLICT_MS);
    }
  }

  /** Copies an object inside the store; false if it does not exist. */
  async copy(from: string, to: string): Promise<boolean> {
    const { sdk, client } = this.#store;
    const source = `${this.#name}/${from}`.split('/').map(encodeURIComponent).join('/');
    const copy = new sdk.CopyObjectCommand({ Bucket: this.#name, Key: to, CopySource: source });
    return this.#tried(to, async () => (await client.send(copy).catch(unlessMissing)) !== undefined);
  }

  /** Removes an object, if there is one. */
  async remove(key: string): Promise<void> {
    const { sdk, client } = this.#store;
    await this.#tried(key, () =>
      client.send(new sdk.DeleteObjectCommand({ Bucket: this.#name, Key: key })).catch(unlessMissing),
    );
  }

  /**
   * Removes objects, if they exist, a thousand per request. Resolves to the keys that are left and must be removed one
   * by one: all of them if the store has no such request.
   */
  async removeMany(keys: readonly string[]): Promise<string[]> {
    const { sdk, client } = this.#store;
    const left: string[] = [];
    for (let at = 0; at < keys.length; at += MOST_REMOVED) {
      const some = keys.slice(at, at + MOST_REMOVED);
      const remove = { Objects: some.map((Key) => ({ Key })), Quiet: true };
      const answer = this.#removesMany
        ? await client
            .send(new sdk.DeleteObjectsCommand({ Bucket: this.#name, Delete: remove }))
            .catch((error: unknown) => {
              // A store that was only busy, or could not be reached, is asked again next time.
              const { status = 500 } = kindOf(error);
              this.#removesMany = status !== 501 && (status < 400 || status >= 500);
              return undefined;
            })
        : undefined;
      left.push(...(answer ? (answer.Errors ?? []).flatMap(({ Key }) => Key ?? []) : some));
    }
    return left;
  }

  /** For each key that begins with `prefix`, the part after it; only of keys without a further slash, unless `deep`. */
  async names(prefix: string, { deep = false }: { deep?: boolean } = {}): Promise<string[]> {
    const { sdk, client } = this.#store;
    const names: string[] = [];
    for (let token: string | undefined; ;) {
      const list = new sdk.ListObjectsV2Command({
        Bucket: this.#name,
        Prefix: prefix,
        ...(deep ? {} : { Delimiter: '/' }),
        ...(token === undefined ? {} : { ContinuationToken: token }),
      });
      const page = await this.#tried(prefix, () => client.send(list));
      for (const { Key } of page.Contents ?? []) if (Key !== undefined) names.push(Key.slice(prefix.length));
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
      if (token === undefined) return names;
    }
  }

  async #tried<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw cause instanceof ForjaError ? cause : this.#error(key, cause);
    }
  }

  #error(key: string, cause: unknown): ForjaError {
    const { name } = kindOf(cause);
    const advice = ADVICE[name] === undefined ? '' : `; ${ADVICE[name]}`;
    const reason = messageOf(cause) || String(Object(cause).code ?? '');
    const what = reason.includes(name) || name === 'Error' ? reason : `${name}: ${reason}`;
    return new ForjaError('io', `jobs: cannot read or write s3://${this.#name}/${key}: ${what}${advice}`, { cause });
  }
}

/** Advice for errors of stores, by the error's name. */
const ADVICE: Readonly<Record<string, string>> = {
  NoSuchBucket: 'create the bucket first',
  CredentialsProviderError: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, for every worker too',
  AccessDenied: 'the credentials need to list the bucket, and to get, put and delete objects',
};

/** Name and HTTP status of an error of the SDK. */
function kindOf(error: unknown): { name: string; status: number | undefined } {
  const { name, $metadata } = Object(error) as { name?: string; $metadata?: { httpStatusCode?: number } };
  return { name: name ?? 'Error', status: $metadata?.httpStatusCode };
}

/** Returns undefined if the error says that an object does not exist; rethrows others. */
function unlessMissing(error: unknown): undefined {
  const { name, status } = kindOf(error);
  if (name === 'NoSuchKey' || name === 'NotFound' || (status === 404 && name !== 'NoSuchBucket')) return undefined;
  throw error;
}

let imported: Promise<Sdk> | undefined;

function peer(): Promise<Sdk> {
  return (imported ??= import('@aws-sdk/client-s3').catch((cause: unknown) => {
    imported = undefined;
    if (!hasCode(cause, 'ERR_MODULE_NOT_FOUND') && !hasCode(cause, 'MODULE_NOT_FOUND')) throw cause;
    throw new UsageError('jobs: expected @aws-sdk/client-s3 to be installed: npm install @aws-sdk/client-s3', {
      cause,
    });
  }));
}
