// forja serve: serves models over HTTP until Ctrl-C or SIGTERM.
import { messageOf, UsageError, type CliCommand, type CliIo } from '@forja/core';
import { loadOptions, type LoadArgs } from './load-args.js';
import { modelsOf } from './model-names.js';
import { LOAD_OPTIONS, LOWERING_OPTION } from './pictures.js';

interface Args extends LoadArgs {
  models: string[];
  host: string;
  port: number;
  queue?: number;
  maxCount?: number;
  maxBody?: number;
  maxBatch?: number;
  delay?: number;
  warmup?: string[];
  drain: number;
  token?: string;
  origin?: string[];
}

/** The command. */
export const serve: CliCommand = {
  name: 'serve',
  summary: 'serve models over HTTP: PNG, Open Inference Protocol, metrics',
  arguments: [
    {
      name: 'models',
      description: 'ONNX files; name=file sets the name of a model',
      required: true,
      variadic: true,
    },
  ],
  options: [
    {
      flags: '--host <address>',
      description: 'address to listen on; 0.0.0.0 for all interfaces',
      default: '127.0.0.1',
    },
    {
      flags: '-p, --port <n>',
      description: 'port; 0: a free one',
      type: 'integer',
      default: 8080,
      range: [0, 65_535],
    },
    {
      flags: '--queue <n>',
      description: 'maximum requests waiting or running at once, for each model; default 64',
      type: 'integer',
      range: [1, 1e6],
    },
    {
      flags: '--max-count <n>',
      description: 'maximum pictures per request; default 64',
      type: 'integer',
      range: [1, 100_000],
    },
    {
      flags: '--max-body <bytes>',
      description: 'maximum bytes of a request; default 16 MiB',
      type: 'integer',
      range: [1, 2 ** 30],
    },
    {
      flags: '--max-batch <n>',
      description: 'maximum rows per run; 1: requests do not share runs; default 64',
      type: 'integer',
      range: [1, 65_536],
    },
    {
      flags: '--delay <us>',
      description: 'microseconds that a request waits for others to share its run; default 0',
      type: 'integer',
      range: [0, 60_000_000],
    },
    {
      flags: '--warmup <batch>',
      description: 'batch size to run before it is ready; may be repeated; default 1',
      type: 'list',
    },
    {
      flags: '--drain <seconds>',
      description: 'seconds to wait for pending answers when stopping',
      type: 'integer',
      default: 30,
      range: [0, 3600],
    },
    {
      flags: '--token <text>',
      description: 'required as Authorization: Bearer; default: the environment variable FORJA_SERVE_TOKEN, if set',
    },
    {
      flags: '--origin <origin>',
      description: 'allow pages of this origin, such as https://example.org; may be repeated; * for all',
      type: 'list',
    },
    ...LOAD_OPTIONS,
    LOWERING_OPTION,
  ],
  examples: [
    'forja serve generator.onnx',
    'forja serve digits=runs/demo/generator.onnx faces.onnx --port 9000',
    'forja serve generator.onnx --host 0.0.0.0 --queue 32 --max-count 16',
  ],
  async run(raw, io) {
    const args = raw as unknown as Args; // `Args` has the options above
    const models = modelsOf('serve', args.models, io.cwd);
    const { signal: _, ...load } = loadOptions(args, io);
    const warmup = args.warmup?.map(batchOf);
    if (args.token === '') throw new UsageError('serve --token: expected a token, got an empty text');
    const { queue, maxCount, maxBody, maxBatch, delay, token = process.env['FORJA_SERVE_TOKEN'] } = args;
    const limits = {
      ...(queue === undefined ? {} : { queue }),
      ...(maxCount === undefined ? {} : { count: maxCount }),
      ...(maxBody === undefined ? {} : { bodyBytes: maxBody }),
    };
    const batch = {
      ...(maxBatch === undefined ? {} : { max: maxBatch }),
      ...(delay === undefined ? {} : { delayMs: delay / 1000 }),
    };
    const { listen, serve: service } = await import('../serve.js');
    let begun = false;
    const early: unknown[] = [];
    const begin = (reported?: unknown): void => {
      begun = true;
      for (const error of early.splice(0)) if (error !== reported) io.warn(messageOf(error));
    };
    const serving = service({
      models,
      load: { ...load, batch, ...(warmup ? { warmup } : {}) },
      limits,
      processMetrics: true,
      ...(args.origin === undefined ? {} : { origins: args.origin }),
      ...(token === undefined || token === '' ? {} : { token }),
      // Before the service is ready, the first failure ends the command, so failures are collected.
      onError: (error) => void (begun ? io.warn(messageOf(error)) : early.push(error)),
    });
    let onHangup: (() => void) | undefined;
    try {
      const listening = await listen(serving, { host: args.host, port: args.port, drainMs: args.drain * 1000 });
      try {
        io.print(`Listening on ${listening.url}; Ctrl-C stops.`);
        // `onError` reports models that could not be reloaded.
        process.on(
          'SIGHUP',
          (onHangup = () =>
            void serving.reload().then(
              () => io.print('Loaded again.'),
              () => undefined,
            )),
        );
        await Promise.race([serving.ready, stopped(io)]);
        begin();
        if (!io.signal.aborted) io.print(`Ready: ${Object.keys(models).join(', ')}.`);
        await stopped(io);
      } finally {
        if (onHangup) process.off('SIGHUP', onHangup);
        await listening
          .close()
          .then(({ cut }) => void (cut > 0 && io.warn(`${cut} requests were cut off after ${args.drain} s`)));
      }
      const stats = serving.stats();
      io.print(
        `Stopped: ${stats.accepted} requests accepted, ${stats.answered} answered, ${stats.aborted} aborted by ` +
          'their clients.',
      );
      return { url: listening.url, models: Object.keys(models), ...stats };
    } catch (error) {
      begin(error);
      throw error;
    } finally {
      await serving.close();
    }
  },
};

function batchOf(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text))
    throw new UsageError(`serve --warmup: expected batch sizes from 1 to 99999, got '${text}'`, {
      code: 'input.range',
    });
  return Number(text);
}

/** Resolves at Ctrl-C or SIGTERM. */
function stopped({ signal }: CliIo): Promise<void> {
  return new Promise((done) =>
    signal.aborted ? done() : signal.addEventListener('abort', () => done(), { once: true }),
  );
}
