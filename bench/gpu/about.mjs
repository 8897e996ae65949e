// Writes the generator for the other parts, and reports the GPU, the driver, and what is missing for CUDA.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { halfModelBytes } from '@forja/core/onnx';
import { trainer, versions } from '../peers/forja.mjs';
import { machine } from '../lib/report.mjs';
import { smi } from './lib.mjs';

export default async function about(o, say) {
  const { dcgan, exportOnnx } = await trainer();
  const { g } = dcgan({ size: 64, channels: 3, base: o.base, latent: 100, batch: 16 }).networks;
  const { model } = await exportOnnx(g, { layout: { outputs: 'nchw' }, verify: false });
  writeFileSync(`${o.folder}/generator.onnx`, model);
  writeFileSync(`${o.folder}/generator.fp16.onnx`, halfModelBytes(model));
  say({
    machine: machine(),
    versions: await versions(),
    card: smi('name', 'driver_version', 'memory.total', 'memory.used', 'clocks.sm', 'clocks.max.sm', 'utilization.gpu'),
    vulkan: process.env.FORJA_VULKAN ? JSON.parse(process.env.FORJA_VULKAN) : undefined,
  });
  const doctor = new URL('../../packages/node/dist/bin.js', import.meta.url).pathname;
  try {
    const { status, cuda } = JSON.parse(
      execFileSync(process.execPath, [doctor, 'doctor', '--json'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    );
    say({ doctor: { status, cuda } });
  } catch (error) {
    say({ doctor: { error: String(error.stderr || error.message).slice(0, 500) } });
  }
}
