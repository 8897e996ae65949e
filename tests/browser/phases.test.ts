// Phases of a game over one state in Chromium: compiled in the page, run by onnxruntime-web on WASM and on WebGPU,
// equal to tfjs's eager engine in the same page; after a worker died and lost the state, training continues from a
// copy.
import {
  compileAll,
  dcgan,
  eagerStep,
  mlpGan,
  scalarOf,
  type CompiledStep,
  type GanSystem,
  type StepState,
} from '@forja/trainer';
import { runtime } from '@forja/web';
import { expect, test } from 'vitest';
import { phasesOf, type Phases } from '../parity/support/phases.js';

type Steps = Record<'critic' | 'generator' | 'average' | 'preview', CompiledStep>;

const wave = (count: number, phase: number): Float32Array =>
  Float32Array.from({ length: count }, (_, j) => (((j + 1) * 7919 + phase * 104729) % 2003) / 1001.5 - 1);

/** One iteration on `size` numbers of real examples, and a look at the averages. */
async function iterate({ critic, generator, average, preview }: Steps, size: number, at: number): Promise<number[]> {
  const loss_d = scalarOf(await critic.run({ real: wave(size, at), rate: 2e-3 }), 'loss_d');
  const loss_g = scalarOf(await generator.run({ rate: 1e-3 }), 'loss_g');
  await average.run();
  const { out } = await preview.run({ z: wave(3 * 8, 5) });
  return [loss_d, loss_g, ...(out?.data as Float32Array).slice(0, 50)];
}

function eagerly(phases: Phases): Steps {
  const { variables } = phases;
  const made = (key: keyof Steps): CompiledStep => eagerStep(phases[key].step, { ...phases[key], variables, seed: 4 });
  return { critic: made('critic'), generator: made('generator'), average: made('average'), preview: made('preview') };
}

function expectEqual(got: StepState, wanted: StepState): void {
  expect(Object.keys(got)).toEqual(Object.keys(wanted));
  for (const [name, { data }] of Object.entries(wanted)) {
    const values = [...(data as Float32Array)]; // all state is float32
    const size = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect([...(got[name]?.data as Float32Array)], name).toBeAllclose(values, { atol: 1e-4 * size });
  }
}

/**
 * Pictures on WASM; points on a software GPU, which compiles programs slowly. With these seeds no gradient is mere
 * rounding error.
 */
const GAMES: Record<'wasm' | 'webgpu', { size: number; make: () => GanSystem }> = {
  wasm: { size: 4 * 8 * 8 * 3, make: () => dcgan({ size: 8, channels: 3, base: 4, latent: 8, batch: 4, seed: 2 }) },
  webgpu: { size: 4 * 2, make: () => mlpGan({ base: 8, baseD: 8, latent: 8, batch: 4, seed: 1 }) },
};

test.each(['wasm', 'webgpu'] as const)('%s: phases equal tfjs’s, and continue after a fault', async (device) => {
  const { size, make } = GAMES[device];
  const made = (): Phases => phasesOf(make());
  const [phases, twin] = [made(), made()];
  const eager = eagerly(twin);
  const events: unknown[] = [];
  const host = runtime({ device, threads: 1, assets: '/__forja/faulty/', onEvent: (event) => events.push(event) });
  const { critic, generator, average, preview, variables } = phases;
  const steps = await compileAll({ critic, generator, average, preview }, { variables, seed: 4, runtime: host });
  for (const i of [0, 1])
    expect(await iterate(steps, size, i)).toBeAllclose(await iterate(eager, size, i), { rtol: 1e-4, atol: 1e-5 });
  const kept = await steps.generator.state();
  expectEqual(kept, await eager.critic.state());

  const channel = new BroadcastChannel('forja-faults');
  const set = new Promise<void>((resolve) => channel.addEventListener('message', () => resolve(), { once: true }));
  channel.postMessage('die');
  await set;
  channel.close();
  await expect(steps.generator.run({ rate: 1e-3 })).rejects.toMatchObject({ code: 'device.lost' });
  await expect(steps.preview.run({ z: wave(3 * 8, 5) })).rejects.toMatchObject({ code: 'device.lost' });
  await steps.critic.load(kept);
  expect(await iterate(steps, size, 2)).toBeAllclose(await iterate(eager, size, 2), { rtol: 1e-4, atol: 1e-5 });
  expect(events).toHaveLength(1);
  for (const step of Object.values(steps)) await step.dispose();
  await host.dispose();
  phases.dispose();
  twin.dispose();
});
