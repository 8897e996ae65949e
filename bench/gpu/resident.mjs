// The training step of step.mjs in onnxruntime without Forja's runtime, with its state kept in GPU buffers: the cost of
// a step that does not read state back. Its first losses are compared with the CPU's.
import { createRequire } from 'node:module';
import { runtime } from '@forja/node';
import { trainer } from '../peers/forja.mjs';
import { difference, gpuMiB, timed } from './lib.mjs';
import { stepCase, watched } from './step.mjs';

export default async function resident(o, say) {
  const { compile } = await trainer();
  const { play, options, batches } = await stepCase(o);
  const cpu = runtime({ device: 'cpu' });
  let made;
  const compiled = await compile(play, {
    ...options,
    runtime: watched(cpu, (one) => (made = one), { shared: false }),
    lowering: o.lowering,
  });
  const feeds = [];
  const { session, model, options: own } = made;
  const run = session.run.bind(session);
  session.run = (given, ...rest) => (feeds.push(given), run(given, ...rest));
  const expected = [];
  const perRun = compiled.summary.stepsPerRun;
  for (let i = 0; i < 3; i++) {
    await compiled.run(batches[i]);
    expected.push(await session.readState());
  }
  session.run = run;
  say({ prepared: { feeds: feeds.length, stepsPerRun: perRun, state: Object.keys(own.state).length } });

  const ort = createRequire(import.meta.url)('onnxruntime-node');
  const tensorOf = ({ dtype, shape, data }) => new ort.Tensor(dtype, data, shape);
  const stateOutputs = new Map(Object.entries(own.state).map(([input, { output }]) => [output, input]));
  const create = (preferredOutputLocation) =>
    ort.InferenceSession.create(model, {
      executionProviders: [o.device],
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      ...(preferredOutputLocation ? { preferredOutputLocation } : {}),
    });

  for (const where of ['gpu-buffer', 'cpu']) {
    const ortSession = await create(
      where === 'cpu'
        ? undefined
        : Object.fromEntries(
            (await outputsOf(create)).map((name) => [name, stateOutputs.has(name) ? 'gpu-buffer' : 'cpu']),
          ),
    );
    let state = Object.fromEntries(
      Object.entries(own.state).map(([input, { initial }]) => [
        input,
        tensorOf({ ...initial, data: initial.data.slice() }),
      ]),
    );
    let last;
    const once = async (feed) => {
      const inputs = {
        ...state,
        ...Object.fromEntries(Object.entries(feed).map(([name, value]) => [name, tensorOf(value)])),
      };
      const outputs = await ortSession.run(inputs);
      const old = state;
      state = Object.fromEntries([...stateOutputs].map(([output, input]) => [input, outputs[output]]));
      last = Object.fromEntries(Object.entries(outputs).filter(([name]) => !stateOutputs.has(name)));
      if (where !== 'cpu') for (const tensor of Object.values(old)) if (tensor.location !== 'cpu') tensor.dispose();
      return last;
    };
    for (let i = 0; i < 3; i++) {
      const outputs = await once(feeds[i]);
      say({
        where,
        run: i,
        outputs: Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, Number(data[0])])),
      });
    }
    if (where === 'cpu')
      say({
        where,
        stateAfter3: Math.max(
          ...Object.entries(expected[2]).map(([name, { data }]) => difference(state[name].data, data).most),
        ),
      });
    let i = 0;
    say({
      where,
      step: true,
      ...(await timed(() => once(feeds[i++ % feeds.length]), { ...o, least: 3, warmup: 2 })),
      gpuMiB: gpuMiB(),
    });
    await ortSession.release();
  }
}

async function outputsOf(create) {
  const session = await create();
  const names = [...session.outputNames];
  await session.release();
  return names;
}
