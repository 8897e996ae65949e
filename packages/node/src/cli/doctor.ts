// forja doctor: versions, devices of this machine (each tried with a small model), what is missing for CUDA, and what
// training, data sets and pages need.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  DeviceError,
  DEVICE_NAMES,
  type CliCommand,
  type CliIo,
  type DeviceName,
  type DeviceReport,
} from '@forja/core';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { adviceFor, type Advice } from '../cuda/advice.js';
import { inspectCuda, type CudaReport } from '../cuda/inspect.js';
import { runtime } from '../runtime.js';
import { onDevice } from './pictures.js';
import { tools } from './tools.js';
import { INSTALL, trainerModule } from './trainer.js';
import { VERSION } from '../version.js';

const PACKAGES = [
  'onnxruntime-node',
  'onnxruntime-web',
  '@forja/core',
  '@forja/trainer',
  '@tensorflow/tfjs',
  '@tensorflow/tfjs-node',
  'sharp',
];
/** How to install packages, shown if they are missing. */
const MISSING: Readonly<Record<string, string>> = {
  'onnxruntime-node': 'npm install onnxruntime-node',
  '@forja/trainer': `for training and export: ${INSTALL}`,
  sharp: 'to train on pictures other than PNG: npm install sharp',
};
/** Packages are also resolved from the folders of these, whose dependencies may not be visible from elsewhere. */
const HOSTS = ['@forja/node', '@forja/trainer'];
/** Time limit for nvidia-smi, which hangs if the driver is broken. */
const PATIENCE_MS = 5000;

/** The result for one device. */
interface Trial {
  device: DeviceName;
  works: boolean;
  report?: DeviceReport;
  reason?: string;
}

/** The command. */
export const doctor: CliCommand = {
  name: 'doctor',
  summary: 'show versions, which devices run on this machine, and what is missing',
  options: [],
  examples: ['forja doctor', 'forja doctor --json'],
  async run(_args, io) {
    const versions = { forja: VERSION, node: process.versions.node, ...versionsFrom(io.cwd) };
    const machine = {
      system: `${type()} ${release()} ${arch()}`,
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryGB: Math.round(totalmem() / 1e8) / 10,
      gpus: await gpus(),
    };
    io.print(
      `${machine.system}, ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGB} ` +
        `GB${machine.gpus.length === 0 ? '' : `; ${machine.gpus.join('; ')}`}`,
    );
    for (const [name, version] of Object.entries(versions))
      io.print(`  ${name.padEnd(22)} ${version ?? absent(MISSING[name])}`);
    const trials: Trial[] = [];
    for (const device of DEVICE_NAMES.filter((name) => name !== 'auto')) {
      const trial = await attempt(device);
      trials.push(trial);
      io.print(`  ${device.padEnd(22)} ${trial.report ? `works: ${onDevice(trial.report)}` : `no: ${trial.reason}`}`);
    }
    const data = await dataSets(io);
    const programs = await tools();
    for (const { name, path, version, advice } of programs)
      io.print(`  ${name.padEnd(22)} ${[version, path, advice].filter((text) => text !== undefined).join(', ')}`);
    const cuda =
      process.platform === 'linux' &&
      process.arch === 'x64' &&
      !trials.some(({ device, works }) => device === 'cuda' && works)
        ? inspectCuda()
        : undefined;
    const advice = cuda ? adviceFor(cuda) : [];
    if (cuda) printCuda(cuda, advice, io);
    if (!trials.some(({ works }) => works))
      throw new DeviceError(
        'device.unavailable',
        `doctor: expected a device that runs, got none: ${trials[0]?.reason ?? ''}`,
      );
    return { machine, versions, devices: trials, data, programs, ...(cuda ? { cuda: { ...cuda, advice } } : {}) };
  },
};

const absent = (how: string | undefined): string => (how === undefined ? 'not installed' : `not installed; ${how}`);

/** A named data set, and its packages that cannot be resolved from the folder. */
interface DataSet {
  data: string;
  missing: string[];
}

/** The trainer's data sets; none if the trainer is missing or cannot be loaded (which is printed). */
async function dataSets(io: CliIo): Promise<DataSet[]> {
  let known: readonly { data: string; packages: readonly string[] }[] = [];
  try {
    known = (await trainerModule(io.cwd))?.dataPackages ?? [];
  } catch (error) {
    io.warn(error instanceof Error ? error.message : String(error));
  }
  return known.map(({ data, packages }) => {
    const missing = packages.filter((name) => folderOf(name, [join(io.cwd, 'index.js')]) === undefined);
    io.print(`  ${`--data ${data}`.padEnd(22)} ${missing.length === 0 ? 'ready' : `npm install ${missing.join(' ')}`}`);
    return { data, missing };
  });
}

function printCuda({ problems, driver }: CudaReport, advice: readonly Advice[], io: CliIo): void {
  io.print();
  io.print(`CUDA${driver ? ` (driver ${driver.version})` : ''}:`);
  for (const line of problems) io.print(`  missing: ${line}`);
  for (const [i, { what, commands }] of advice.entries()) {
    io.print(`  ${i + 1}. ${what}`);
    for (const [manager, command] of Object.entries(commands)) io.print(`     ${manager}: ${command}`);
  }
}

/** Tries `device` with a model that doubles a number. */
async function attempt(device: DeviceName): Promise<Trial> {
  const g = new GraphBuilder({ name: 'doctor' });
  const x = g.input('x', 'float32', [1]);
  g.output('y', g.op('Add', [x, x]));
  const trying = runtime({ device });
  try {
    const session = await trying.createSession(encodeModel(g.build()), { threads: 1 });
    const { y } = await session.run({ x: { dtype: 'float32', shape: [1], data: Float32Array.of(21) } });
    const works = (y?.data as Float32Array | undefined)?.[0] === 42; // the output's type is float32
    return works ? { device, works, report: session.device } : { device, works, reason: 'it computes wrong numbers' };
  } catch (error) {
    return { device, works: false, reason: reasonOf(error) };
  } finally {
    await trying.dispose();
  }
}

/** A DeviceError's message without the part that repeats the requested device. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /got: (?:\w+: )?(.*?)\. Use device/s.exec(message)?.[1] ?? message;
}

/** NVIDIA GPUs from nvidia-smi; none if it is missing or fails. */
async function gpus(): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)(
      'nvidia-smi',
      ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'],
      { timeout: PATIENCE_MS },
    );
    return stdout.trim().split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

/**
 * Versions of installed packages, resolved from the user's folder, from here, and from the packages that depend on
 * them.
 */
function versionsFrom(cwd: string): Record<string, string | undefined> {
  const near = [join(cwd, 'index.js'), import.meta.url];
  const hosts = HOSTS.flatMap((name) => folderOf(name, near) ?? []).map((folder) => join(folder, 'index.js'));
  return Object.fromEntries(
    PACKAGES.map((name) => {
      const folder = folderOf(name, [...near, ...hosts]);
      return [
        name,
        folder === undefined
          ? undefined
          : (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version,
      ];
    }),
  );
}

/** The real path of a package's folder. Not resolved through the package's exports, which may hide package.json. */
function folderOf(name: string, from: readonly string[]): string | undefined {
  for (const place of from) {
    for (const folder of createRequire(place).resolve.paths(name) ?? []) {
      if (existsSync(join(folder, name, 'package.json'))) return realpathSync(join(folder, name));
    }
  }
  return undefined;
}
