// Parent side of the bench: every peer is a separate process, prepared once, that runs blocks in turn, so that thread
// pools do not disturb each other.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Starts a peer process and waits until it is warm. `block(seconds)` → { wall_ms, cpu_ms }; `stop()` ends it. */
export async function startPeer({ name, command, args, env }) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const errors = [];
  child.stderr.on('data', (chunk) => errors.push(chunk.toString()));
  child.stdin.on('error', () => {}); // a dead peer is reported by `next`
  const exited = new Promise((resolve) =>
    child.on('close', resolve).on('error', (error) => (errors.push(error.message), resolve(-1))),
  );
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  async function next() {
    for (;;) {
      const { value, done } = await lines.next();
      if (done)
        throw new Error(`bench: peer "${name}" ended with code ${await exited}\n${errors.join('').slice(-2000)}`);
      if (value.startsWith('{')) return JSON.parse(value);
    }
  }
  const { versions, about } = await next();
  return {
    name,
    versions,
    about,
    block: (seconds) => (child.stdin.write(`${JSON.stringify({ seconds })}\n`), next()),
    stop: () => (child.stdin.end(), exited),
  };
}

/** Runs `blocks` rounds with one block per peer; the order rotates by one from round to round. */
export async function alternate(peers, blocks, seconds) {
  const results = new Map(peers.map((peer) => [peer.name, []]));
  for (let round = 0; round < blocks; round++) {
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[(i + round) % peers.length];
      results.get(peer.name).push(await peer.block(seconds));
    }
  }
  return results;
}
