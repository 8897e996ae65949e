// npm run bench:jobs: pictures per second of `forja jobs` with 1, 2 and more worker processes, compared with one
// process that makes the same pictures, written either safely (temporary file, then rename, as `forja sample` does) or
// plainly. Needs redis-server; `--help` lists the flags.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine, quantile, save } from './lib/report.mjs';

const here = fileURLToPath(import.meta.url);
const bin = resolve(here, '../../packages/node/dist/bin.js');
const { values: o } = parseArgs({
  options: {
    model: { type: 'string', default: resolve(here, '../../generators/clothes.onnx') },
    count: { type: 'string', default: '8000' },
    shard: { type: 'string', default: '1000' },
    workers: { type: 'string', default: '1,2,4' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '1' },
    concurrency: { type: 'string', default: '1' },
    one: { type: 'string' },
    name: { type: 'string', default: 'jobs' },
    help: { type: 'boolean', default: false },
  },
});
if (o.help) {
  console.log(
    `npm run bench:jobs -- [--model file] [--count 8000] [--shard 1000] [--workers 1,2,4] [--rounds 5] [--threads 1]
  [--concurrency 1] [--name file]
--threads: of each process; --concurrency: shards at once in each worker. Processes are started and warmed up first;
rounds alternate between them and one process without a queue. Wall time is from the first run of the model to the last
file, CPU time is that of the whole processes.
The result is bench/results/<name>.json.`,
  );
  process.exit(0);
}
const [count, shard, rounds] = [o.count, o.shard, o.rounds].map(Number);
const ports = o.workers.split(',').map(Number);

/** Makes pictures in one process, as a worker does. For each folder read from stdin, runs a round and prints a line. */
async function one() {
  const { load } = await import('@forja/node');
  const { writeAsideNow } = await import('@forja/node/cli');
  const generator = await load(o.model, { device: 'cpu', threads: Number(o.threads), deterministic: true });
  const write = o.one === 'plain' ? writeFile : writeAsideNow;
  const draw = async (folder, n) => {
    let i = 0;
    for await (const picture of generator.stream({ seed: 1, count: n }))
      await write(join(folder, `${String(i++).padStart(6, '0')}.png`), await picture.toPNG());
  };
  const warm = mkdtempSync(join(tmpdir(), 'forja-bench-'));
  await draw(warm, 64);
  rmSync(warm, { recursive: true });
  console.log('ready');
  for await (const folder of createInterface({ input: process.stdin })) {
    const [begun, cpu] = [performance.now(), process.cpuUsage()];
    await draw(folder, count);
    const { user, system } = process.cpuUsage(cpu);
    console.log(JSON.stringify({ seconds: (performance.now() - begun) / 1000, cpuSeconds: (user + system) / 1e6 }));
  }
  await generator.dispose();
}

/** Starts a process. `line` returns its next line of output that matches a pattern. */
function start(command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async line(pattern = /./) {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`${command} ${args.join(' ')}: ended early`);
        if (pattern.test(value)) return value;
      }
    },
    drain: () => void child.stdout.resume(),
  };
}

/** CPU seconds of a process so far; NaN without /proc. */
function cpuOf(pid) {
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return NaN;
  const fields = readFileSync(stat, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100; // utime and stime, in clock ticks
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

async function main() {
  const root = mkdtempSync(join(tmpdir(), 'forja-bench-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const redisArgs = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', root, '--save', '', '--appendonly', 'yes'];
  const redis = start('redis-server', [...redisArgs, '--maxmemory-policy', 'noeviction']);
  const began = [redis];
  const begin = (...args) => {
    const process_ = start(process.execPath, args);
    began.push(process_);
    return process_;
  };
  let folders = 0;
  const fresh = () => {
    const folder = join(root, `out${folders++}`);
    mkdirSync(folder);
    return folder;
  };
  const submit = async (queue, n, of) => {
    const folder = fresh();
    const args = ['submit', o.model, '-o', folder, '--count', `${n}`, '--seed', '1', '--shard', `${of}`];
    const child = spawn(process.execPath, [bin, 'jobs', ...args, '--redis', url, '--queue', queue, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const parts = [];
    child.stdout.on('data', (part) => parts.push(part));
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`jobs submit: ${Buffer.concat(parts)}`);
    const { records } = JSON.parse(Buffer.concat(parts).toString());
    const ends = records.map(({ at }) => Date.parse(at) / 1000);
    const seconds = Math.max(...ends) - Math.min(...records.map(({ seconds: took }, i) => ends[i] - took));
    const made = readdirSync(folder).filter((name) => name.endsWith('.png')).length;
    if (made !== n) throw new Error(`jobs submit: expected ${n} pictures, got ${made}`);
    rmSync(folder, { recursive: true });
    return { seconds, inShards: records.reduce((sum, { seconds: took }) => sum + took, 0) };
  };
  try {
    await redis.line(/Ready to accept/);
    redis.drain();
    const alone = [];
    for (const [name, way] of [
      ['one', 'aside'],
      ['plain', 'plain'],
    ]) {
      const args = ['--one', way, '--model', o.model, '--count', `${count}`, '--threads', o.threads];
      const peer = begin(here, ...args);
      await peer.line(/ready/);
      alone.push([name, peer]);
    }
    const groups = [];
    for (const size of ports) {
      const queue = `w${size}`;
      const args = ['jobs', 'work', '--device', 'cpu', '--threads', o.threads, '--redis', url, '--queue', queue];
      args.push('--concurrency', o.concurrency);
      const workers = Array.from({ length: size }, () => begin(bin, ...args));
      for (const worker of workers) {
        await worker.line(/Working/);
        worker.drain();
      }
      await submit(queue, 64 * size, 16); // so that all workers load the model
      groups.push({ size, queue, workers });
    }
    const got = { one: [], plain: [], ...Object.fromEntries(groups.map(({ queue }) => [queue, []])) };
    for (let round = 0; round < rounds; round++) {
      for (const [name, peer] of alone) {
        const folder = fresh();
        peer.child.stdin.write(`${folder}\n`);
        got[name].push(JSON.parse(await peer.line()));
        rmSync(folder, { recursive: true });
      }
      for (const { queue, workers } of groups) {
        const cpu = () => workers.reduce((sum, { child }) => sum + cpuOf(child.pid), 0);
        const before = cpu();
        const measured = await submit(queue, count, shard);
        got[queue].push({ ...measured, cpuSeconds: cpu() - before });
      }
    }
    const titles = { one: 'one process', plain: 'one, written plainly' };
    const median = (list) => quantile(list, 0.5);
    const results = {};
    for (const [name, list] of Object.entries(got)) {
      const times = (key) => median(list.map((block, i) => block[key] / got.one[i][key]));
      results[name] = {
        imagesPerSecond: count / median(list.map(({ seconds }) => seconds)),
        cpuMsPerImage: (1000 * median(list.map(({ cpuSeconds }) => cpuSeconds))) / count,
        wallOverOne: times('seconds'),
        cpuOverOne: times('cpuSeconds'),
        rounds: list,
      };
      const { imagesPerSecond, cpuMsPerImage, wallOverOne, cpuOverOne } = results[name];
      console.log(
        `${(titles[name] ?? `jobs, ${name.slice(1)} workers`).padEnd(22)}` +
          `${imagesPerSecond.toFixed(0).padStart(7)} images/s, CPU ms per image ${cpuMsPerImage.toFixed(3)}; ` +
          `over one process: wall ${wallOverOne.toFixed(3)}, CPU ${cpuOverOne.toFixed(3)}`,
      );
    }
    console.log(
      save(o.name, {
        machine: machine(),
        count,
        shard,
        threads: Number(o.threads),
        concurrency: Number(o.concurrency),
        results,
      }),
    );
  } finally {
    for (const { child } of began) child.kill(child === redis.child ? 'SIGTERM' : 'SIGKILL');
    await Promise.all(began.map(({ child }) => child.exitCode ?? child.signalCode ?? once(child, 'close')));
    rmSync(root, { recursive: true, force: true });
  }
}

await (o.one ? one() : main());
