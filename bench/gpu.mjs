// npm run bench:gpu: measures a GPU in at most `--minutes`, without internet access. Each part is a process with its
// own time limit, so that one that dies or hangs does not affect the others. `--help` lists the flags.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '8' },
    quick: { type: 'boolean', default: false },
    devices: { type: 'string', default: 'webgpu' },
    only: { type: 'string', default: '' },
    out: { type: 'string', default: fileURLToPath(new URL('results/gpu.json', import.meta.url)) },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(`npm run bench:gpu -- [--minutes 8] [--devices webgpu,cuda] [--only text] [--quick] [--out file]
--only: parts whose name contains one of the texts (a,b). --quick: tiny networks and counts, for a trial on a software
adapter (VK_DRIVER_FILES=<SwiftShader's icd.json>). FORJA_TORCH_PYTHON=<a Python with torch> adds PyTorch on CUDA.
WebGPU in Node needs libvulkan.so.1 and the card's Vulkan driver; for CUDA, see forja doctor.
Results: bench/results/gpu.json.`);
  process.exit(0);
}

const end = Date.now() + Number(flags.minutes) * 60_000;
const folder = mkdtempSync(join(tmpdir(), 'forja-gpu-'));
const usual = flags.quick
  ? { base: 8, batches: [1, 4], seconds: 0.1, loads: 3, huge: 64 }
  : { base: 64, batches: [1, 4, 16, 64, 256], seconds: 0.8, loads: 50, huge: 20_000 };
const network = flags.quick ? { base: 8, batch: 8 } : { base: 64, batch: 64 };
const devices = flags.devices.split(',');
const python = process.env.FORJA_TORCH_PYTHON;

/** A part: name, file under gpu/, time limit in seconds, and options. */
const part = (name, file, limit, more = {}) => ({
  name,
  limit,
  command: process.execPath,
  args: [local(`gpu/part.mjs`), file, JSON.stringify({ ...usual, folder, ...more })],
});
const torch = (device, limit) => ({
  name: `torch ${device}`,
  limit,
  command: python,
  args: [
    local('torch/gpu_bench.py'),
    ...Object.entries({
      device,
      base: usual.base,
      batches: usual.batches.join(),
      'step-base': network.base,
      'step-batch': network.batch,
      seconds: Math.min(0.4, usual.seconds),
    }).flatMap(([key, value]) => [`--${key}`, String(value)]),
  ],
});

/** Most important first, because the time may not be enough for all. */
const parts = [
  part('about', 'about', 40),
  ...devices.map((device) => part(`truth ${device}`, 'truth', 60, { device })),
  ...devices.flatMap((device) => [
    part(`sample ${device} fp32`, 'sample', 40, { device, precision: 'fp32' }),
    part(`step ${device} portable`, 'step', 45, {
      device,
      ...network,
      seconds: usual.seconds * 3,
      lowering: 'portable',
    }),
    part(`step ${device} fast`, 'step', 45, { device, ...network, seconds: usual.seconds * 3, lowering: 'fast' }),
    part(`sample ${device} fp16`, 'sample', 40, { device, precision: 'fp16' }),
    part(`sample ${device} fp32 raw`, 'sample', 40, { device, precision: 'fp32', raw: true }),
  ]),
  ...(python ? [torch('cuda', 90)] : []),
  part('sample webgpu fp32 stay', 'sample', 40, { device: 'webgpu', precision: 'fp32', stay: true }),
  part('step webgpu resident portable', 'resident', 60, { device: 'webgpu', ...network, lowering: 'portable' }),
  part('step webgpu resident fast', 'resident', 60, { device: 'webgpu', ...network, lowering: 'fast' }),
  part('sample cpu fp32', 'sample', 60, { device: 'cpu', precision: 'fp32' }),
  part('step cpu auto', 'step', 40, { device: 'cpu', ...network, seconds: usual.seconds * 3, lowering: 'auto' }),
  part('step cpu portable', 'step', 40, {
    device: 'cpu',
    ...network,
    seconds: usual.seconds * 3,
    lowering: 'portable',
  }),
  part('sample webgpu fp16 stay', 'sample', 40, { device: 'webgpu', precision: 'fp16', stay: true }),
  ...devices.map((device) => part(`loads ${device}`, 'loads', 80, { device })),
  ...devices
    .filter((device) => device !== 'webgpu')
    .flatMap((device) => [
      part(`sample ${device} fp32 stay`, 'sample', 30, { device, precision: 'fp32', stay: true }),
      part(`step ${device} resident portable`, 'resident', 40, { device, ...network, lowering: 'portable' }),
    ]),
  part('loss killed', 'loss', 45, { device: 'webgpu', how: 'killed' }),
  part('loss too large', 'loss', 45, { device: 'webgpu', how: 'too large' }),
].filter(
  ({ name }) => name === 'about' || flags.only === '' || flags.only.split(',').some((text) => name.includes(text)),
);

const results = [];
try {
  for (const one of parts) {
    const left = (end - Date.now()) / 1000;
    const result = left < 5 ? { name: one.name, skipped: 'no time left' } : await run(one, Math.min(one.limit, left));
    results.push(result);
    write();
    print(result);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
table();
console.log(`written: ${resolve(flags.out)}`);
setTimeout(() => process.exit(), 1000); // exits even if a part hangs in a driver

/** Runs a part; returns its findings, duration, and why it failed if it did. */
function run({ name, command, args, limit }, seconds) {
  return new Promise((settle) => {
    const begun = performance.now();
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', FORJA_GPU_LIMIT: String(limit) },
    });
    let [out, errors] = ['', ''];
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
      setTimeout(() => done(null, 'SIGKILL'), 5000).unref(); // it hangs in a driver, so do not wait for its end
    }, seconds * 1000);
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-3000)));
    child.on('error', (error) => (errors += error.message));
    child.on('close', done);
    function done(code, signal) {
      clearTimeout(timer);
      const findings = out.split('\n').flatMap((line) => {
        try {
          return line.startsWith('{') ? [JSON.parse(line)] : [];
        } catch {
          return []; // an incomplete line
        }
      });
      const fault = late
        ? `ended after ${seconds.toFixed(0)} s`
        : signal
          ? `signal ${signal}`
          : code !== 0
            ? `code ${code}`
            : undefined;
      settle({
        name,
        seconds: (performance.now() - begun) / 1000,
        findings,
        ...(fault ? { fault } : {}),
        ...(errors ? { stderr: fault ? errors : errors.slice(-600) } : {}),
      });
    }
  });
}

function write() {
  const round = (_, v) => (typeof v === 'number' && !Number.isInteger(v) ? Number(v.toPrecision(5)) : v);
  writeFileSync(
    flags.out,
    `${JSON.stringify({ bench: 'gpu', options: { ...usual, step: network, devices }, results }, round, 1)}\n`,
  );
}

/** Prints a part's findings, one line each. */
function print({ name, seconds = 0, findings = [], fault, skipped, stderr }) {
  console.log(`\n== ${name}: ${skipped ?? fault ?? 'ok'}, ${seconds.toFixed(1)} s`);
  for (const finding of findings) {
    const text = JSON.stringify(finding, (_, v) =>
      typeof v === 'number' && !Number.isInteger(v) ? Number(v.toPrecision(4)) : v,
    );
    console.log(text.length > 420 ? `${text.slice(0, 420)}…` : text);
  }
  if (fault && stderr) console.log(stderr.split('\n').slice(-6).join('\n').slice(-700));
}

/** Prints milliseconds per batch size, a row for each kind of sampling, then those of steps. */
function table() {
  const cell = (ms) => (ms === undefined ? '-' : ms.toFixed(ms < 10 ? 2 : 1)).padStart(9);
  console.log(
    `\nms per run of DCGAN-64, base ${usual.base}${' '.repeat(14)}` +
      usual.batches.map((b) => `b${b}`.padStart(9)).join(''),
  );
  const rows = new Map();
  const put = (row, batch, ms) => rows.set(row, { ...rows.get(row), [batch]: ms });
  for (const { name, findings = [] } of results)
    for (const { batch, ms, precision, stay, parity, load } of findings)
      if (
        batch !== undefined &&
        ms !== undefined &&
        parity === undefined &&
        load === undefined &&
        !name.startsWith('loss')
      )
        put(precision ? `${name} ${precision}${stay ? ' stay' : ''}` : name, batch, ms);
  for (const [row, by] of rows) console.log(`${row.padEnd(40)}${usual.batches.map((b) => cell(by[b])).join('')}`);
  console.log(`\nms per step of DCGAN-28, base ${network.base}, batch ${network.batch}`);
  for (const { name, findings = [] } of results)
    for (const { step, where, ms } of findings)
      if (step !== undefined) {
        const what = where ? ` (state: ${where})` : typeof step === 'string' ? ` ${step}` : '';
        console.log(`${`${name}${what}`.padEnd(48)}${cell(ms)}`);
      }
}

function local(path) {
  return fileURLToPath(new URL(path, import.meta.url));
}
