// The DCGAN-28 training step on one device, in one lowering: time, the first losses to compare with the CPU's, and the
// bytes of state that a run copies.
import { runtime } from '@forja/node';
import { trainer } from '../peers/forja.mjs';
import { gpuMiB, numbers, timed, reportFields } from './lib.mjs';

/** The step function of a DCGAN with its options, and four batches of inputs: pictures in [-1, 1), rates as scalars. */
export async function stepCase(o) {
  const { dcgan, phaseStep } = await trainer();
  const system = dcgan({ size: 28, channels: 1, base: o.base, latent: 100, batch: o.batch });
  const { step: play, ...options } = phaseStep(system);
  const next = numbers(3);
  const elements = (shape) => shape.reduce((a, b) => a * b, 1);
  const given = Object.entries(options.inputs).filter(([, { random }]) => !random);
  const batches = Array.from({ length: 4 }, () =>
    Object.fromEntries(
      given.map(([name, { shape }]) => [
        name,
        {
          dtype: 'float32',
          shape,
          data:
            shape.length < 2
              ? new Float32Array(elements(shape)).fill(2e-4)
              : Float32Array.from({ length: elements(shape) }, next),
        },
      ]),
    ),
  );
  return { play, options, batches };
}

/** A runtime that calls `seen` with each session that it makes. */
export function watched(inner, seen, { shared = true } = {}) {
  return {
    get device() {
      return inner.device;
    },
    ...(inner.ready ? { ready: () => inner.ready() } : {}),
    createSession: async (model, options) => {
      const session = await inner.createSession(model, options);
      seen({ model, options, session });
      return session;
    },
    ...(shared ? { createState: (tensors) => inner.createState(tensors) } : {}),
    dispose: () => inner.dispose(),
  };
}

export default async function step(o, say) {
  const { compile } = await trainer();
  const { play, options, batches } = await stepCase(o);
  const inner = runtime({ device: o.device });
  let session;
  let stateBytes = 0;
  const own = watched(inner, ({ session: made, options: { state = {} } = {} }) => {
    session = made;
    stateBytes = Object.values(state).reduce(
      (sum, { state: tensors, tensor, initial }) =>
        sum +
        4 * (initial?.data.length ?? elementsOf(tensors.tensors.find(({ name }) => name === tensor) ?? { shape: [0] })),
      0,
    );
  });
  const begun = performance.now();
  const compiled = await compile(play, { ...options, runtime: own, lowering: o.lowering });
  const ms = performance.now() - begun;
  const { traceMs, lowerMs, createMs, lowering, nodes, stepsPerRun } = compiled.summary;
  say({
    compiled: { ms, traceMs, lowerMs, createMs, lowering, nodes, stepsPerRun },
    device: reportFields(session.device),
    stateBytes,
  });
  const losses = [];
  for (let i = 0; i < 3; i++) losses.push(plain(await compiled.run(batches[i])));
  say({ losses });
  let i = 0;
  const run = () => compiled.run(batches[i++ % batches.length]);
  say({ step: true, ...(await timed(run, { ...o, least: 3, warmup: 2 })), gpuMiB: gpuMiB() });
  await compiled.dispose();
  await own.dispose();
}

const elementsOf = ({ shape }) => shape.reduce((a, b) => a * Number(b), 1);

/** Scalars of a step as numbers. */
export const plain = (values) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'number' ? value : Number((value.data ?? value)[0]),
    ]),
  );
