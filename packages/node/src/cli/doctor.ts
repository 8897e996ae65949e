// forja doctor: versions, and which devices really run here, each tried with a small model.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { DeviceError, type CliCommand, type DeviceName, type DeviceReport } from '@forja/core';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { runtime } from '../runtime.js';
import { onDevice } from './pictures.js';
import { VERSION } from './version.js';

const PACKAGES = ['onnxruntime-node', 'onnxruntime-web', '@forja/core', '@forja/trainer', '@tensorflow/tfjs', '@tensorflow/tfjs-node'];
const DEVICES: readonly Exclude<DeviceName, 'auto' | 'wasm'>[] = ['cpu', 'cuda', 'webgpu', 'coreml', 'dml'];

/** What was found of one device. */
interface Trial {
  device: DeviceName;
  works: boolean;
  report?: DeviceReport;
  reason?: string;
}

/** The command. */
export const doctor: CliCommand = {
  name: 'doctor',
  summary: 'show versions, and which devices run here',
  options: [],
  examples: ['forja doctor', 'forja doctor --json'],
  async run(_args, io) {
    const versions = { forja: VERSION, node: process.versions.node, ...Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name, io.cwd)])) };
    const machine = { system: `${type()} ${release()} ${arch()}`, cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: cpus().length, memoryGB: Math.round(totalmem() / 1e8) / 10 };
    io.print(`${machine.system}, ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGB} GB`);
    for (const [name, version] of Object.entries(versions)) io.print(`  ${name.padEnd(22)} ${version ?? 'not installed'}`);
    const trials: Trial[] = [];
    for (const device of DEVICES) {
      const trial = await attempt(device);
      trials.push(trial);
      io.print(`  ${device.padEnd(22)} ${trial.report ? `works: ${onDevice(trial.report)}` : `no: ${trial.reason}`}`);
    }
    if (!trials.some(({ works }) => works)) throw new DeviceError('device.unavailable', `doctor: expected a device that runs, got none: ${trials[0]?.reason ?? ''}`);
    return { machine, versions, devices: trials };
  },
};

/** Doubles a number on `device`. */
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

/** Without the frame of a DeviceError, which says again which device was asked for. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /got: (?:\w+: )?(.*?)\. Use device/s.exec(message)?.[1] ?? message;
}

/** Version of an installed package, seen from the user's folder, else from here. Not through its exports, which may hide package.json. */
function versionOf(name: string, cwd: string): string | undefined {
  for (const from of [join(cwd, 'index.js'), import.meta.url]) {
    for (const folder of createRequire(from).resolve.paths(name) ?? []) {
      const file = join(folder, name, 'package.json');
      if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
    }
  }
  return undefined;
}
