// npm run bench:large: work that does not fit in one call. Compares `forja sample`, which writes very many pictures to
// disk, with a loop over onnxruntime; and super-resolution of a large picture as a whole and in tiles. Each runs in its
// own process, whose memory is recorded over time. `--help` lists the flags.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine, quantile, save } from './lib/report.mjs';

const here = fileURLToPath(import.meta.url);
const generators = resolve(here, '../../generators');
const { values: o } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    model: { type: 'string', default: join(generators, 'clothes.onnx') },
    enlarge: { type: 'string', default: join(generators, 'enlarge.onnx') },
    side: { type: 'string', default: '256' },
    tiles: { type: 'string', default: '32,64,128' },
    one: { type: 'string' },
    folder: { type: 'string' },
    name: { type: 'string', default: 'large' },
    help: { type: 'boolean', default: false },
  },
});
if (o.help) {
  console.log(`npm run bench:large -- [--count 100000] [--rounds 3] [--model file] [--enlarge file] [--side 256]
  [--tiles 32,64,128] [--name file]
--count: pictures to disk, PNG each. --side: of the picture that --enlarge makes larger; 0 leaves that part out.
The result is bench/results/<name>.json.`);
  process.exit(0);
}
const [count, rounds, side] = [o.count, o.rounds, o.side].map(Number);

/** What a child process does; each returns what it made, in words. */
const WORK = {
  /** The command, as a user calls it. */
  async forja() {
    const { main } = await import('@forja/node/cli');
    const quiet = { write: () => true, isTTY: false };
    const args = ['sample', o.model, '-n', o.count, '-o', o.folder, '--seed', '1', '--device', 'cpu'];
    const code = await main(args, { stdout: quiet, stderr: quiet });
    if (code !== 0) throw new Error(`forja sample ended with ${code}`);
  },
  /** A plain loop: runs of 16, pictures encoded by the same encoder and written one after the other. */
  async onnxruntime() {
    const { Image, latents } = await import('@forja/core');
    const ort = createRequire(createRequire(here).resolve('@forja/node'))('onnxruntime-node');
    const session = await ort.InferenceSession.create(o.model);
    await mkdir(o.folder, { recursive: true });
    for (let at = 0; at < count; at += 16) {
      const n = Math.min(16, count - at);
      const feeds = {};
      for (const { name, type, shape } of session.inputMetadata)
        feeds[name] =
          type === 'float32'
            ? new ort.Tensor('float32', latents(1, at, n, shape[1]), [n, shape[1]])
            : new ort.Tensor(
                'int32',
                Int32Array.from({ length: n }, (_, i) => (at + i) % 10),
                [n],
              );
      const { dims, data } = (await session.run(feeds))[session.outputNames[0]];
      const [, ...rest] = dims;
      const [height, width, channels] = rest.at(-1) <= 4 ? rest : [rest[1], rest[2], rest[0]];
      const size = height * width * channels;
      for (let i = 0; i < n; i++) {
        const bytes = Uint8ClampedArray.from(data.subarray(i * size, (i + 1) * size), (x) => (x + 1) * 127.5);
        const file = join(o.folder, `${String(at + i).padStart(6, '0')}.png`);
        await writeFile(file, await new Image(width, height, channels, bytes).toPNG());
      }
    }
  },
};

/** Super-resolution of one picture, whole or by tiles with this side. */
async function enlarge(tile) {
  const { load } = await import('@forja/node');
  const model = await load(o.enlarge, { device: 'cpu' });
  const wave = (i) => 128 + 100 * Math.sin(i / 7) * Math.cos(i / 1331);
  const picture = {
    width: side,
    height: side,
    data: Uint8ClampedArray.from({ length: side * side * 3 }, (_, i) => wave(i)),
  };
  await model.translate(picture, tile > 0 ? { tile, overlap: 16 } : {});
  await model.dispose();
}

/** Runs a child; returns seconds of wall and CPU time, and the resident set over time, in MiB. */
async function measured(one, folder) {
  const args = process.argv.slice(2).concat('--one', one, '--folder', folder);
  const child = spawn(process.execPath, [here, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (piece) => (text += piece));
  const code = await new Promise((done) => child.on('close', done));
  if (code !== 0) throw new Error(`bench:large: ${one} ended with ${code}`);
  return JSON.parse(text);
}

if (o.one !== undefined) {
  const rss = [];
  const timer = setInterval(() => rss.push(process.memoryUsage.rss() / 2 ** 20), 200);
  const [begun, cpu] = [performance.now(), process.cpuUsage()];
  const tile = /^tile-(\d+)$/.exec(o.one)?.[1];
  await (tile === undefined ? WORK[o.one]() : enlarge(Number(tile)));
  const spent = process.cpuUsage(cpu);
  clearInterval(timer);
  const at = (share) => rss[Math.min(rss.length - 1, Math.floor(share * rss.length))];
  console.log(
    JSON.stringify({
      seconds: (performance.now() - begun) / 1000,
      cpuSeconds: (spent.user + spent.system) / 1e6,
      mib: { tenth: at(0.1), half: at(0.5), end: rss.at(-1), peak: process.resourceUsage().maxRSS / 1024 },
    }),
  );
  process.exit(0);
}

/** Rounds of several kinds of work in turn; the median of each. */
async function compared(kinds) {
  const all = Object.fromEntries(kinds.map((kind) => [kind, []]));
  for (let round = 0; round < rounds; round++)
    for (const kind of round % 2 === 0 ? kinds : [...kinds].reverse()) {
      const folder = mkdtempSync(join(tmpdir(), 'forja-large-'));
      all[kind].push(await measured(kind, join(folder, 'pictures')));
      rmSync(folder, { recursive: true });
    }
  const spread = (values) => ({ median: quantile(values, 0.5), min: Math.min(...values), max: Math.max(...values) });
  return Object.fromEntries(
    Object.entries(all).map(([kind, runs]) => [
      kind,
      {
        seconds: spread(runs.map(({ seconds }) => seconds)),
        cpuSeconds: spread(runs.map(({ cpuSeconds }) => cpuSeconds)),
        mib: Object.fromEntries(
          ['tenth', 'half', 'end', 'peak'].map((when) => [
            when,
            quantile(
              runs.map(({ mib }) => mib[when]),
              0.5,
            ),
          ]),
        ),
      },
    ]),
  );
}

const results = {};
if (count > 0) results.disk = { count, ...(await compared(['onnxruntime', 'forja'])) };
if (side > 0 && existsSync(o.enlarge))
  results.enlarge = { side, ...(await compared(['0', ...o.tiles.split(',')].map((tile) => `tile-${tile}`))) };
for (const [part, { count: n, side: edge, ...kinds }] of Object.entries(results))
  for (const [kind, { seconds, cpuSeconds, mib }] of Object.entries(kinds))
    console.log(
      `${part} ${kind === 'tile-0' ? 'whole' : kind}: ${seconds.median.toFixed(1)} s (${seconds.min.toFixed(1)}-` +
        `${seconds.max.toFixed(1)}), CPU ${cpuSeconds.median.toFixed(1)} s` +
        `${n ? `, ${Math.round(n / seconds.median)} images/s` : ''}${edge ? `, ${edge} pixels a side` : ''}; ` +
        `MiB ${Object.values(mib).map(Math.round).join(' ')} (a tenth, half, end, peak)`,
    );
const versions = {
  onnxruntime: JSON.parse(
    readFileSync(
      createRequire(createRequire(here).resolve('@forja/node')).resolve('onnxruntime-node/package.json'),
      'utf8',
    ),
  ).version,
};
save(o.name, { bench: 'large', machine: machine(), versions, options: { rounds }, results });
