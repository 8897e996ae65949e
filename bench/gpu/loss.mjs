// Provokes the loss of a device, with a batch far larger than the GPU's memory and by killing an executor during a run.
// Records the error, and whether the next call works. A hang of the GPU itself is not provoked, because the GPU may be
// shared.
import { readdirSync, readFileSync } from 'node:fs';
import { runtime } from '@forja/node';
import { generatorFile, latents, reportFields } from './lib.mjs';

export default async function loss(o, say) {
  const bytes = generatorFile(o);
  const feed = (session, batch) => ({
    [session.inputs[0].name]: { dtype: 'float32', shape: [batch, 100], data: latents(batch, 100) },
  });
  await (o.how === 'killed' ? killed : tooLarge)();

  async function killed() {
    const events = [];
    const own = runtime({ device: o.device, executor: 'process', onEvent: (event) => events.push(event) });
    const session = await own.createSession(bytes);
    await session.run(feed(session, 1));
    const child = children().at(-1);
    const running = session.run(feed(session, o.batches.at(-1)));
    setTimeout(() => process.kill(child, 'SIGKILL'), 1);
    const begun = performance.now();
    try {
      const [output] = Object.values(await running);
      say({
        killed: child,
        answered: output.shape,
        ms: performance.now() - begun,
        events,
        device: reportFields(session.device),
      });
    } catch (error) {
      say({ killed: child, error: error.message, code: error.code, events });
    }
    const [after] = Object.values(await session.run(feed(session, 1)));
    say({ after: after.shape });
    await own.dispose();
  }

  async function tooLarge() {
    const events = [];
    const own = runtime({ device: o.device, onEvent: (event) => events.push(event) });
    const session = await own.createSession(bytes);
    await session.run(feed(session, 1));
    try {
      const [output] = Object.values(await session.run(feed(session, o.huge)));
      say({ batch: o.huge, answered: output.shape, events });
    } catch (error) {
      say({ batch: o.huge, error: error.message.slice(0, 600), code: error.code, events });
    }
    const [after] = Object.values(await session.run(feed(session, 1)));
    say({ after: after.shape, events });
    await own.dispose();
  }
}

/** Child processes. */
function children() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')[1]) === process.pid;
      } catch {
        return false;
      }
    })
    .map(Number)
    .sort((a, b) => a - b);
}
