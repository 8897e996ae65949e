// forja jobs: makes millions of pictures with any number of workers on any number of machines. Submits jobs, runs
// workers, shows a job's state.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ForjaError, UsageError, type CliCommand, type CliIo, type CliOption, type SampleOptions } from '@forja/core';
import type { JobState } from '../jobs/coordinator.js';
import { FORMAT_NAMES, type Format } from '../jobs/formats.js';
import { MOST_PICTURES, nameOf, shardAt } from '../jobs/plan.js';
import type { JobFile } from '../jobs/record.js';
import type { JobRequest } from '../jobs/request.js';
import type { Sinks } from '../jobs/sinks.js';
import type { WorkEvent } from '../jobs/worker.js';
import { pictureTarget } from './files.js';
import { loadOptions, type LoadArgs } from './load-args.js';
import { LOAD_OPTIONS, LOWERING_OPTION, NOISE_OPTION, refuseOlder } from './pictures.js';
import { labelOf, mixOf, noiseOf, seedOf, truncationOf } from '../sample-values.js';

interface Args extends LoadArgs {
  action: string;
  target?: string;
  redis?: string;
  queue: string;
  endpoint?: string;
  region?: string;
  out?: string;
  count: number;
  seed: string;
  label?: string;
  text?: string[];
  truncation?: string;
  mix?: string;
  noise?: string;
  format: Format;
  shard: number;
  attempts: number;
  detach?: boolean;
  concurrency: number;
  model?: string[];
  lock: number;
  check?: boolean;
}

/** Default address of the queue. */
const REDIS = 'redis://127.0.0.1:6379';

const QUEUE: readonly CliOption[] = [
  {
    flags: '--redis <url>',
    description: `Redis or Valkey; default: the environment variable FORJA_REDIS, else ${REDIS}`,
  },
  {
    flags: '--queue <name>',
    description: 'name of the queue in that server; workers take jobs from one queue',
    default: 'jobs',
  },
];

const STORE: readonly CliOption[] = [
  {
    flags: '--endpoint <url>',
    description: 'address of a store other than Amazon S3; default: the environment variable AWS_ENDPOINT_URL_S3',
  },
  { flags: '--region <name>', description: 'region of the store; default: the environment variable AWS_REGION' },
];

/** A subcommand of `forja jobs`. */
interface Action {
  options: readonly CliOption[];
  run(args: Args, io: CliIo): Promise<unknown>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  submit: {
    options: [
      {
        flags: '-o, --out <folder>',
        description: 'where pictures are written: a folder with the same path for all workers, or s3://bucket/prefix',
        type: 'path',
      },
      { flags: '-n, --count <n>', description: 'pictures', type: 'integer', range: [1, MOST_PICTURES], default: 1000 },
      {
        flags: '-s, --seed <n>',
        description: 'picture i of a seed is the same on every worker',
        default: '0',
      },
      { flags: '--label <class>', description: 'name of a class, or its number, for models that have them' },
      {
        flags: '--text <words>',
        description: 'text of the pictures, for models that take one; repeated: used in turn',
        type: 'list',
      },
      { flags: '--truncation <t>', description: 'redraw latent entries beyond ±t; psi:0.7 scales them instead' },
      {
        flags: '--mix <seed:layer>',
        description: 'styles of another seed from a layer on, such as 7:4, for models that mix styles',
      },
      NOISE_OPTION,
      { flags: '--format <name>', description: 'of each picture', default: 'png', choices: FORMAT_NAMES },
      {
        flags: '--shard <n>',
        description: 'pictures per shard, the unit of work',
        type: 'integer',
        range: [1, MOST_PICTURES],
        default: 1000,
      },
      {
        flags: '--attempts <n>',
        description: 'maximum number of attempts per shard',
        type: 'integer',
        range: [1, 1000],
        default: 3,
      },
      { flags: '--detach', description: 'exit once the shards are in the queue' },
      ...QUEUE,
      ...STORE,
      LOWERING_OPTION,
    ],
    run: submitJob,
  },
  work: {
    options: [
      { flags: '--concurrency <n>', description: 'shards at once', type: 'integer', range: [1, 1024], default: 1 },
      {
        flags: '--model <file>',
        description: 'a local copy of a model, if this machine has it under another path; may be repeated',
        type: 'list',
      },
      {
        flags: '--lock <seconds>',
        description: 'seconds without news of a worker after which its shard goes to another one',
        type: 'integer',
        range: [1, 86_400],
        default: 10,
      },
      ...QUEUE,
      ...STORE,
      // A worker always compares a model with the SHA-256 in the request.
      ...LOAD_OPTIONS.filter(({ flags }) => !flags.startsWith('--integrity')),
    ],
    run: work,
  },
  status: {
    options: [
      { flags: '--check', description: 'read all pictures and compare them with the recorded digests' },
      ...QUEUE,
      ...STORE,
    ],
    run: status,
  },
};

/** The command. */
export const jobs: CliCommand = {
  name: 'jobs',
  summary: 'make very many pictures with many workers, coordinated by Redis or Valkey',
  arguments: [
    { name: 'action', description: 'submit, work or status', required: true },
    {
      name: 'target',
      description: 'submit: ONNX file of a generator; status: the folder or s3://…, or the name of a job',
    },
  ],
  options: QUEUE,
  optionsFor: (words) =>
    Promise.resolve(ACTIONS[words.find((word) => Object.hasOwn(ACTIONS, word)) ?? '']?.options ?? QUEUE),
  examples: [
    'forja jobs submit generator.onnx -o pictures --count 100000 --seed 1 --label 3',
    'forja jobs submit generator.onnx -o pictures --count 100000 --shard 500 --redis redis://queue.example:6379',
    'forja jobs submit generator.onnx -o s3://bucket/pictures --endpoint https://store.example:8333',
    'forja jobs work --redis redis://queue.example:6379',
    'forja jobs work --threads 1 --lock 30',
    'forja jobs status pictures --check',
    'forja jobs submit --help',
  ],
  run(raw, io) {
    const args = raw as unknown as Args; // `Args` has the options above
    const action = Object.hasOwn(ACTIONS, args.action) ? ACTIONS[args.action] : undefined;
    if (!action)
      throw new UsageError(`jobs: expected ${Object.keys(ACTIONS).join(', ')}, got '${args.action}'; jobs --help`);
    return action.run(args, io);
  },
};

async function submitJob(args: Args, io: CliIo): Promise<unknown> {
  const { target, out, count, shard, attempts } = args;
  if (target === undefined) throw new UsageError('jobs submit: expected an ONNX file of a generator, got none');
  if (out === undefined) throw new UsageError('jobs submit --out: expected a folder for the pictures, got none');
  const { isStore } = await import('../jobs/sinks.js');
  const { follow, submit } = await import('../jobs/coordinator.js');
  const address = isStore(out) ? out : (await pictureTarget('jobs submit --out', io.cwd, out, [])).path;
  const sinks = await sinksOf(args);
  const sink = await sinks.open(address);
  const path = sink.address;
  const request = await requestOf(target, args, io);
  await refuseOlder(path, count, await sink.pictures());
  const queue = await queueOf(args, io);
  try {
    const { file, added } = await submit(queue, sink, request, attempts);
    const shards = Math.ceil(count / shard);
    io.print(
      `Job ${file.id}: ${count} pictures in ${shards} shards, to ${path}` +
        `${added < shards ? `; ${shards - added} shards exist already` : ''}.`,
    );
    if (args.detach && added > 0) return { id: file.id, folder: path, shards, added };
    if (added > 0 && (await queue.workers()) === 0)
      io.print('No worker is running: start some with `forja jobs work`, here or on other machines.');
    const progress = io.progress(count, 'Making');
    const state = await follow(queue, sink, file, {
      attempts,
      signal: io.signal,
      onState: (now) => progress.update(now.pictures, `${now.made.length}/${now.shards} shards, ${workersOf(now)}`),
    });
    progress.stop();
    if (io.signal.aborted)
      throw new ForjaError(
        'aborted',
        `interrupted; the workers continue, and \`forja jobs status ${path}\` shows their progress`,
      );
    await report(state, io);
    refuseFailed(state);
    return { ...(await summaryOf(state, path)), added };
  } finally {
    await queue.close();
    await sinks.close();
  }
}

async function work(args: Args, io: CliIo): Promise<unknown> {
  if (args.target !== undefined)
    throw new UsageError(
      `jobs work: expected no '${args.target}', because it takes whatever was submitted; --model names a local copy`,
    );
  const { modelHash, Models } = await import('../jobs/models.js');
  const { shardWork } = await import('../jobs/worker.js');
  const { openWorker } = await import('../jobs/bullmq.js');
  const own = new Map<string, string>();
  for (const model of args.model ?? []) own.set(await modelHash(resolve(io.cwd, model)), resolve(io.cwd, model));
  const { signal, ...load } = loadOptions({ ...args, integrity: 'error' }, io);
  const models = new Models(load, own);
  const sinks = await sinksOf(args);
  const counts = { made: 0, there: 0, failed: 0, pictures: 0 };
  let end: () => void = () => undefined;
  let unfit: ForjaError | undefined;
  const ended = new Promise<void>((done) => {
    end = done;
    if (io.signal.aborted) done();
    else signal?.addEventListener('abort', () => done(), { once: true });
  });
  const onEvent = (event: WorkEvent): void => {
    const text = LINES[event.type];
    if (event.type !== 'begun') counts[event.type]++;
    if (event.type === 'made') counts.pictures += event.record.count;
    io.print(`${event.job} ${nameOf(event.shard)}: ${text(event as never)}`);
  };
  const onUnfit = (error: ForjaError): void => {
    unfit = error;
    end();
  };
  try {
    const worker = await openWorker(
      { ...addressOf(args, io), concurrency: args.concurrency, lockMs: 1000 * args.lock, losses: LOSSES },
      shardWork({ models, sinks, onEvent, onUnfit }),
    );
    io.print('Working; Ctrl-C finishes the shards in progress, then stops.');
    await ended;
    await worker.stop();
  } finally {
    await models.close();
    await sinks.close();
  }
  if (unfit) throw unfit;
  io.print(`Stopped: ${counts.made} shards made, ${counts.pictures} pictures; ${counts.failed} failures.`);
  return counts;
}

/**
 * A shard that was lost this many times because its worker ended counts as failed: one that kills every process is not
 * retried for ever.
 */
const LOSSES = 5;

/** The printed line of each event. */
const LINES: { [T in WorkEvent['type']]: (event: Extract<WorkEvent, { type: T }>) => string } = {
  begun: ({ attempt }) => `begun${attempt > 1 ? `, attempt ${attempt}` : ''}`,
  made: ({ record }) => `made, ${record.seconds} s, ${record.cpuSeconds} s of CPU`,
  there: () => 'is there already',
  failed: ({ attempt, reason }) => `attempt ${attempt} failed: ${reason}`,
};

async function status(args: Args, io: CliIo): Promise<unknown> {
  const { target } = args;
  if (target === undefined) throw new UsageError('jobs status: expected a folder, or the name of a job, got none');
  const { stateOf } = await import('../jobs/coordinator.js');
  const { collect, intact } = await import('../jobs/sink.js');
  const { isStore } = await import('../jobs/sinks.js');
  const at = isStore(target) ? target : resolve(io.cwd, target);
  const isPlace = isStore(target) || (await stat(at).catch(() => undefined))?.isDirectory() === true;
  const asks = !isPlace || Boolean(args.redis ?? process.env['FORJA_REDIS']);
  const queue = asks ? await queueOf(args, io) : undefined;
  const sinks = await sinksOf(args);
  try {
    const address = isPlace ? at : await queue?.sinkOf(target);
    const sink = address === undefined ? undefined : await sinks.open(address);
    let file: JobFile | undefined = await sink?.read();
    if (!sink || !file)
      throw new UsageError(
        `jobs status: expected a folder or s3://… with job.json, or a job of the queue, got '${target}'` +
          `${isPlace ? ', which has none' : ''}`,
      );
    if (!file.done) file = (await collect(sink, file)) ?? file;
    const state = await stateOf(sink, file, queue);
    await report(state, io);
    const damaged: number[] = [];
    if (args.check)
      for (const record of state.made) if (!(await intact(sink, file.request, record))) damaged.push(record.shard);
    if (args.check) io.print(damaged.length === 0 ? 'All pictures made so far match their digests.' : '');
    if (damaged.length > 0)
      throw new ForjaError(
        'job.failed',
        `jobs status --check: expected pictures that match their recorded digests in ${sink.address}, ` +
          'got other or missing ones in ' +
          `shards ${damaged.join(', ')}; remove a picture of each and submit the job again`,
      );
    return summaryOf(state, sink.address);
  } finally {
    await queue?.close();
    await sinks.close();
  }
}

/**
 * The request of a command line. Draws one picture, so that a request that no worker could fulfil is refused at once.
 */
async function requestOf(target: string, args: Args, io: CliIo): Promise<JobRequest> {
  const { label, text, count, shard, format, lowering = 'auto' } = args;
  const seed = seedOf('jobs submit --seed', args.seed);
  const truncation =
    args.truncation === undefined ? undefined : truncationOf('jobs submit --truncation', args.truncation);
  const mix = args.mix === undefined ? undefined : mixOf('jobs submit --mix', args.mix);
  const noise = args.noise === undefined ? undefined : noiseOf('jobs submit --noise', args.noise);
  const named = label === undefined ? undefined : labelOf('jobs submit --label', label);
  const drawn: SampleOptions = {
    seed,
    ...(named === undefined ? {} : { label: named }),
    ...(text === undefined ? {} : { text }),
    ...(truncation === undefined ? {} : { truncation }),
    ...(mix === undefined ? {} : { mix }),
    ...(noise === undefined ? {} : { noise }),
  };
  const address = /^(https?|file):/i.test(target) ? target : resolve(io.cwd, target);
  const { load } = await import('../index.js');
  const { modelHash } = await import('../jobs/models.js');
  const generator = await load(address, { lowering: 'portable', threads: 1, signal: io.signal });
  const classes = generator.manifest.inputs.find(({ role }) => role === 'label')?.classes ?? [];
  try {
    await generator.sample({ ...drawn, count: 1, signal: io.signal });
  } finally {
    await generator.dispose();
  }
  return {
    model: { path: address, sha256: await modelHash(address) },
    seed: String(seed),
    count,
    shard,
    format,
    lowering,
    // a number as a number, as in the job.json of earlier releases, unless a class is called so
    ...(named === undefined ? {} : { label: classes.includes(named) || !/^\d+$/.test(named) ? named : Number(named) }),
    ...(text === undefined ? {} : { text }),
    ...(truncation === undefined ? {} : { truncation }),
    ...(mix === undefined ? {} : { mix: { seed: String(mix.seed), from: mix.from } }),
    ...(noise === undefined ? {} : { noise: noise === 'none' ? noise : { seed: String(noise.seed) } }),
  };
}

async function report(state: JobState, io: CliIo): Promise<void> {
  const { made, shards, active, failed, file } = state;
  const { totalsOf } = await import('../jobs/record.js');
  const { pictures, seconds, cpuSeconds, bytes, kinds } = totalsOf(made);
  io.print(
    `Job ${file.id}: ${made.length} of ${shards} shards made, ${pictures} pictures, ${bytes} bytes, ` +
      `${seconds} s of workers, ${cpuSeconds} s of CPU${state.workers === undefined ? '' : `; ${workersOf(state)}`}`,
  );
  for (const [kind, count] of Object.entries(kinds)) io.print(`  ${count} shards on ${kind}`);
  if (Object.keys(kinds).length > 1)
    io.print('  Pictures made on the same kind are equal bit for bit; others may differ by 1 of 255.');
  for (const { shard, done, worker } of active)
    io.print(`  ${nameOf(shardAt(file.request, shard))}: ${done} pictures, by ${worker}`);
  for (const { shard, attempts, reason } of failed)
    io.print(`  ${nameOf(shardAt(file.request, shard))}: failed ${attempts} times: ${reason}`);
}

function refuseFailed({ failed, file, made, shards }: JobState): void {
  const [first] = failed;
  if (!first) return;
  const names = failed.slice(0, 5).map(({ shard }) => nameOf(shardAt(file.request, shard)));
  const more = failed.length > names.length ? ` and ${failed.length - names.length} more` : '';
  throw new ForjaError(
    'job.failed',
    `jobs submit: expected ${shards} shards, got ${made.length}; failed: ${names.join(', ')}${more}. The reason of ` +
      `the first: ${first.reason}. Run the same command again to retry the missing shards`,
  );
}

async function summaryOf(state: JobState, folder: string): Promise<object> {
  const { file, shards, made, active, failed, workers } = state;
  const { totalsOf } = await import('../jobs/record.js');
  return {
    id: file.id,
    folder,
    shards,
    made: made.length,
    totals: totalsOf(made),
    active,
    failed,
    workers,
    records: made,
  };
}

function workersOf({ workers = 0 }: JobState): string {
  return `${workers} worker${workers === 1 ? '' : 's'}`;
}

async function sinksOf({ endpoint, region }: Args): Promise<Sinks> {
  const { Sinks } = await import('../jobs/sinks.js');
  return new Sinks({ ...(endpoint === undefined ? {} : { endpoint }), ...(region === undefined ? {} : { region }) });
}

async function queueOf(args: Args, io: CliIo) {
  const { openQueue } = await import('../jobs/bullmq.js');
  return openQueue(addressOf(args, io));
}

function addressOf({ redis, queue }: Args, io: CliIo) {
  if (!/^[\w.-]{1,100}$/.test(queue))
    throw new UsageError(`jobs --queue: expected letters, digits, '.', '_' and '-', got '${queue}'`);
  const url = redis ?? (process.env['FORJA_REDIS'] || REDIS);
  return { url, queue, onConnection: (message: string) => io.warn(message) };
}
