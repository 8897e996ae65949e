// The routes, on hono: pictures, the Open Inference Protocol, health, metrics, a page. They are implemented in the
// other files of this folder.
import type { Generator, Manifest } from '@forja/core';
import { Hono, type Context, type Handler } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { except } from 'hono/combine';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import { mediaType, readBody } from './body.js';
import { parseJson } from './check.js';
import { answerOf, RequestError } from './errors.js';
import { imagesPng, imagesRequest, queryOf, type ImagesRequest } from './images.js';
import type { Limits } from './limits.js';
import type { Metrics } from './metrics.js';
import type { ServedModel, ServedModels, Version } from './models.js';
import { DATATYPE } from './oip/datatypes.js';
import { inferRequest } from './oip/request.js';
import { inferResponse } from './oip/response.js';
import { crossOrigin } from './origins.js';
import { indexPage } from './page.js';
import { translatedPng, translateRequest } from './translate.js';
import { VERSION } from '../version.js';

/** Dependencies of the routes. */
export interface Inside {
  models: ServedModels;
  limits: Limits;
  metrics: Metrics;
  token: string | undefined;
  /** Other origins whose pages may use the service. */
  origins: readonly string[];
  /** Whether the service accepts new work, and reports itself ready. */
  state: () => 'open' | 'draining' | 'closed';
  /** Counts a request until the returned function is called. */
  begin: (model: ServedModel) => (aborted: boolean) => void;
  onError: (error: unknown) => void;
}

type Env = { Variables: { route: string; model: string } };
type Ctx = Context<Env>;

/** Every model has exactly one version. */
const VERSIONS = ['1'];

/** The application. */
export function appOf(inside: Inside): Hono<Env> {
  const { models, limits, metrics, token, origins, state } = inside;
  const app = new Hono<Env>({ strict: false });

  app.use(async (c, next) => {
    const begun = performance.now();
    await next();
    metrics.answered({
      route: c.get('route') ?? 'other',
      model: c.get('model') ?? '',
      status: c.res.status,
      seconds: (performance.now() - begun) / 1000,
    });
  });
  app.use(
    secureHeaders({
      strictTransportSecurity: false, // left to the proxy that terminates TLS
      // With 'same-origin', browsers block `<img>` in pages of other origins. This header cannot list origins.
      crossOriginResourcePolicy: origins.length > 0 ? 'cross-origin' : 'same-origin',
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'unsafe-inline'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    }),
  );
  // before the token check, because preflight requests carry no token
  if (origins.length > 0) app.use(crossOrigin(origins));
  if (token !== undefined) app.use(except('/v2/health/*', bearerAuth({ token })));

  /** A route for these methods only. */
  const route = (methods: readonly string[], path: string, handler: Handler<Env>): void => {
    app.all(path, async (c, next) => {
      c.set('route', path);
      if (!methods.includes(c.req.method))
        throw new RequestError(
          'request.method',
          `${path}: expected ${methods.join(' or ')}, got ${c.req.method.slice(0, 16)}`,
          { allow: methods.join(', ') },
        );
      return handler(c, next);
    });
  };
  const get = ['GET', 'HEAD'];

  route(get, '/', (c) => c.html(indexPage(models.all, limits)));
  route(get, '/metrics', async (c) => c.body(await metrics.text(), 200, { 'content-type': metrics.contentType }));
  route(get, '/v1/models', (c) => c.json({ models: models.all.map(describe) }));
  route(['GET', 'POST'], '/v1/images', async (c) => {
    const asked =
      c.req.method === 'GET' ? imagesRequest(queryOf('images', new URL(c.req.url).searchParams), limits) : undefined;
    // The body names the model, so it must be read before the request can be queued; it is small.
    const request =
      asked ?? imagesRequest(await jsonBody(c, { ...limits, bodyBytes: Math.min(limits.bodyBytes, 65_536) }), limits);
    return work(c, inside, models.pick(request.model), ({ generator }, model) => draw(c, generator, model, request));
  });
  route(['POST'], '/v1/translate', (c) => {
    const request = translateRequest(queryOf('translate', new URL(c.req.url).searchParams));
    return work(c, inside, models.pick(request.model), async ({ generator }, { name }) => {
      const type = mediaType(c.req.raw);
      if (type !== undefined && type !== 'image/png' && type !== 'application/octet-stream')
        throw new RequestError('request.mediaType', `translate: expected image/png, got '${type.slice(0, 64)}'`);
      const body = await readBody(c.req.raw, limits);
      return picture(c, name, 1, await translatedPng(generator, body, request, limits, c.req.raw.signal));
    });
  });

  route(get, '/v2', (c) => c.json({ name: 'forja', version: VERSION, extensions: ['binary_tensor_data'] }));
  route(get, '/v2/health/live', (c) => c.json({ live: true }));
  route(get, '/v2/health/ready', (c) => {
    const ready = state() === 'open' && models.ready;
    return c.json({ live: true, ready }, ready ? 200 : 503);
  });
  for (const at of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    route(get, at, (c) => {
      const {
        name,
        version: { generator },
      } = named(c, models);
      return c.json({
        name,
        versions: VERSIONS,
        platform: 'onnx_onnxv1',
        inputs: tensorsOf(generator.manifest.inputs),
        outputs: tensorsOf(generator.manifest.outputs),
      });
    });
    route(get, `${at}/ready`, (c) => {
      const { name, ready: loaded } = named(c, models);
      const ready = state() === 'open' && loaded;
      return c.json({ name, ready }, ready ? 200 : 503);
    });
    route(['POST'], `${at}/infer`, (c) =>
      work(c, inside, named(c, models), (version, model) => infer(c, version, model)),
    );
  }

  app.notFound(() => {
    throw new RequestError('request.notFound', 'expected a path that is served, got another; GET / lists them');
  });
  app.onError((thrown, c) => {
    // hono throws an HTTPException only for a missing or wrong token.
    const error =
      thrown instanceof HTTPException
        ? new RequestError(
            'request.unauthorized',
            'expected the header Authorization: Bearer with the token of this server',
            { 'www-authenticate': 'Bearer' },
          )
        : thrown;
    const { status, code, message, headers } = answerOf(error);
    if (status >= 500 && code !== 'server.starting' && code !== 'server.draining') inside.onError(error);
    const again =
      status === 429 || status === 503
        ? { 'retry-after': String(models.all.find(({ name }) => name === c.get('model'))?.retryAfter ?? 1) }
        : {};
    // In the Open Inference Protocol, `error` is a string.
    const body = c.req.path.startsWith('/v2') ? { error: message, code } : { error: { code, message } };
    return new Response(JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/json', ...again, ...headers },
    });
  });
  return app;

  async function draw(c: Ctx, generator: Generator, { name }: ServedModel, request: ImagesRequest): Promise<Response> {
    return picture(c, name, request.sample.count, await imagesPng(generator, request, limits, c.req.raw.signal));
  }

  /** An answer with one PNG that shows `count` pictures. */
  function picture(c: Ctx, name: string, count: number, png: Uint8Array<ArrayBuffer>): Response {
    metrics.images(name, count);
    return c.body(png, 200, {
      'content-type': 'image/png',
      'content-length': String(png.length),
      'cache-control': 'no-cache',
    });
  }

  async function infer(c: Ctx, { generator, runs }: Version, model: ServedModel): Promise<Response> {
    const split = c.req.header('inference-header-content-length');
    const type = mediaType(c.req.raw);
    if (type !== undefined && type !== 'application/json' && type !== 'application/octet-stream')
      throw new RequestError(
        'request.mediaType',
        'infer: expected application/json, or application/octet-stream with Inference-Header-Content-Length, got ' +
          `'${type.slice(0, 64)}'`,
      );
    const request = inferRequest(
      await readBody(c.req.raw, limits),
      split === undefined ? undefined : Number(split),
      generator.manifest.inputs,
      limits,
    );
    const wanted = request.outputs?.map((output) => output.name);
    const tensors = await runs.run(request.feeds, wanted, c.req.raw.signal);
    return inferResponse({ model_name: model.name, model_version: '1' }, request, tensors);
  }
}

/**
 * Runs `job` for a model, unless the service is closed. The request has a place in the model's queue, and is counted,
 * until its answer ends.
 */
async function work(
  c: Ctx,
  { state, begin }: Inside,
  model: ServedModel,
  job: (version: Version, model: ServedModel) => Promise<Response>,
): Promise<Response> {
  c.set('model', model.name);
  if (state() === 'closed')
    throw new RequestError('server.draining', 'the server is stopping; use another one', { connection: 'close' });
  const { version, leave } = model.enter();
  const end = begin(model);
  const { signal } = c.req.raw;
  const done = (): void => {
    leave();
    end(signal.aborted);
  };
  try {
    const response = await job(version, model);
    if (!response.body || response.headers.has('content-length')) {
      done();
      return response;
    }
    // The cast: a body is a stream of bytes.
    return new Response(endOf(response.body as ReadableStream<Uint8Array>, done), response);
  } catch (error) {
    done();
    throw error;
  }
}

/** The stream, with `done` called when it ends, fails or is cancelled. */
function endOf(stream: ReadableStream<Uint8Array>, done: () => void): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done: over, value } = await reader.read();
        if (!over) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      done();
    },
    async cancel(reason) {
      done();
      await reader.cancel(reason);
    },
  });
}

async function jsonBody(c: Ctx, limits: Limits): Promise<unknown> {
  const type = mediaType(c.req.raw);
  if (type !== undefined && type !== 'application/json')
    throw new RequestError('request.mediaType', `images: expected application/json, got '${type.slice(0, 64)}'`);
  return parseJson('images', await readBody(c.req.raw, limits));
}

/** The model named in the path. Also checks the version in the path. */
function named(c: Ctx, models: ServedModels): ServedModel {
  const model = models.get(c.req.param('model') ?? '');
  c.set('model', model.name);
  const version = c.req.param('version');
  if (version !== undefined && !VERSIONS.includes(version))
    throw new RequestError('request.notFound', `version: expected ${VERSIONS.join(', ')}, got another`);
  return model;
}

function tensorsOf(specs: readonly (Manifest['inputs'][number] | Manifest['outputs'][number])[]): object[] {
  return specs.map(({ name, dtype, shape }) => ({
    name,
    datatype: DATATYPE[dtype],
    shape: shape.map((dim) => (typeof dim === 'number' ? dim : -1)),
  }));
}

function describe({ name, ready, loaded }: ServedModel): object {
  if (!loaded) return { name, ready };
  const { manifest, device } = loaded;
  const { kind, inputs, outputs, producer, license, trainedOn } = manifest;
  return { name, ready, kind, inputs, outputs, producer, license, trainedOn, device, stats: loaded.stats() };
}
