// `forja serve` behind a balancer: three replicas under load, one drained by SIGTERM, one killed. Requests are counted;
// nothing is timed.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildForTests } from '../../vitest.worker.js';
import { startBalancer, type Balancer } from './balancer.support.js';
import { slowModel, startService, type ServiceProcess } from './process.support.js';

let folder: string;
let services: ServiceProcess[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forja-balancer-'));
  writeFileSync(join(folder, 'slow.onnx'), slowModel());
  const bin = join(await buildForTests(), 'bin.js');
  services = await Promise.all([1, 2, 3].map(() => startService(bin, folder, ['slow.onnx'])));
});
afterAll(async () => {
  for (const { child } of services) child.kill('SIGKILL');
  await Promise.all(services.map(({ ended }) => ended));
  rmSync(folder, { recursive: true, force: true });
});

/** Clients that ask one after the other until they are stopped; every other request is a POST. */
function load(url: string, clients: number) {
  const pictures = new Map<number, Set<string>>();
  const failed: string[] = [];
  let going = true;
  const client = async (first: number): Promise<void> => {
    for (let i = 0; going; i++) {
      const seed = (first + i) % 5;
      const answer = await (i % 2 === 0
        ? fetch(`${url}/v1/images?seed=${seed}`)
        : fetch(`${url}/v1/images`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ seed }),
          }));
      const bytes = Buffer.from(await answer.arrayBuffer());
      if (answer.status === 200) pictures.set(seed, (pictures.get(seed) ?? new Set()).add(bytes.toString('base64')));
      else failed.push(`${answer.status} ${bytes.toString()}`);
    }
  };
  const all = Promise.all(Array.from({ length: clients }, (_, first) => client(first)));
  return {
    failed,
    /** What each seed's pictures looked like. */
    pictures,
    stop: async () => {
      going = false;
      await all;
    },
  };
}

/** Resolves after each ready replica has answered `count` more requests. */
const more = ({ replicas, until }: Balancer, count: number): Promise<void> => {
  const goals = replicas.map(({ answered }) => answered + count);
  return until(() => replicas.every((one, i) => !one.ready || one.answered >= goals[i]!));
};

test('one of three is drained, one killed: the drain loses nothing accepted, retries lose nothing', async () => {
  const balancer = await startBalancer(
    services.map(({ url }) => url),
    { idempotent: true },
  );
  // A second one, before the last two, which does not know that the requests may be repeated.
  const careful = await startBalancer(
    services.slice(1).map(({ url }) => url),
    { idempotent: false },
  );
  const [clients, others] = [load(balancer.url, 9), load(careful.url, 4)];
  await Promise.all([more(balancer, 5), more(careful, 5)]);

  const [drained, killed] = balancer.replicas;
  await balancer.until(() => drained!.inside > 0);
  services[0]!.child.kill('SIGTERM');
  expect(await services[0]!.ended).toEqual([0, null]);
  await balancer.until(() => !drained!.ready && drained!.inside === 0);
  await more(balancer, 5);
  expect(clients.failed).toEqual([]);
  // What the replica accepted is what the balancer got from it, whole.
  expect(services[0]!.said.out).toContain(
    `Stopped: ${drained!.answered} requests accepted, ${drained!.answered} answered, 0 aborted by their clients`,
  );

  await Promise.all([balancer.until(() => killed!.inside > 0), careful.until(() => careful.replicas[0]!.inside > 0)]);
  const inside = killed!.inside + careful.replicas[0]!.inside;
  services[1]!.child.kill('SIGKILL');
  await services[1]!.ended;
  await Promise.all([
    balancer.until(() => !killed!.ready && killed!.inside === 0),
    careful.until(() => !careful.replicas[0]!.ready && careful.replicas[0]!.inside === 0),
  ]);
  await Promise.all([more(balancer, 5), more(careful, 5)]);
  await Promise.all([clients.stop(), others.stop()]);
  await Promise.all([balancer.close(), careful.close()]);

  // The requests that were inside broke. They were repeated elsewhere, or answered with 502 where that is not allowed.
  expect(inside).toBeGreaterThan(0);
  expect(killed!.broken + careful.replicas[0]!.broken).toBeGreaterThan(0);
  expect(clients.failed).toEqual([]);
  expect(others.failed).toEqual(new Array(careful.replicas[0]!.broken).fill('502 no replica answered'));
  expect(balancer.replicas[2]).toMatchObject({ refused: 0, broken: 0 });
  // Whoever answered, and however often it was asked: one picture a seed.
  const seen = [...clients.pictures, ...others.pictures];
  for (const seed of [0, 1, 2, 3, 4])
    expect(new Set(seen.filter(([of]) => of === seed).flatMap(([, of]) => [...of])).size).toBe(1);
});
