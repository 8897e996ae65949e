// The Node side of a bench peer: for each line {"seconds": s} on stdin, runs steps for that time and answers with a
// JSON line of timings. Parent side: peer.mjs. The same protocol in Python: ../torch/peer.py.
import { createInterface } from 'node:readline';

/** User and system milliseconds of this process, all threads. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function block(step, steps, seconds, least) {
  const wall = [];
  const cpu = cpuMs();
  const end = performance.now() + seconds * 1000;
  while (wall.length < least || performance.now() < end) {
    const start = performance.now();
    await step();
    wall.push((performance.now() - start) / steps);
  }
  return {
    wall_ms: wall.map((w) => Number(w.toFixed(4))),
    cpu_ms: Number(((cpuMs() - cpu) / wall.length / steps).toFixed(4)),
    peak_mib: process.resourceUsage().maxRSS / 1024,
  };
}

/**
 * Warms up, prints {"ready": true}, then serves blocks until stdin closes. `steps`: steps per call of `step`; times are
 * per step. `least`: minimum runs of a block. `about`: further facts for the ready line.
 */
export async function serve(step, versions, { warmup = 5, steps = 1, least = 3, about = {} } = {}) {
  for (let i = 0; i < warmup; i++) await step();
  console.log(JSON.stringify({ ready: true, versions, about }));
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await block(step, steps, JSON.parse(line).seconds, least)));
  }
}
