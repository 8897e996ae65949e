// Where nodes run if some fall back to the CPU. Only a profile shows that: the model is opened once more with profiling
// and run on synthetic inputs.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goldenFeeds, sizeOf, specsOf } from '@forja/core';
import type { DeviceReport } from '@forja/core';
import type { InferenceSession } from 'onnxruntime-node';
import { toOrt } from './tensors.js';
import type { Ort } from './tensors.js';

/** Maximum elements of synthetic inputs; larger models are not profiled. */
const MAX_ELEMENTS = 2 ** 24;

/** An event of the profile; some events are runs of nodes. */
interface Event {
  name?: string;
  args?: { provider?: string; op_name?: string; node_index?: string };
}

/** The number of nodes on each provider, and the operators that run on the CPU; undefined if unknown. */
export async function placementOf(
  ort: Ort,
  model: Uint8Array,
  open: (profile: InferenceSession.SessionOptions) => Promise<InferenceSession>,
): Promise<Pick<DeviceReport, 'placement' | 'cpuOps'> | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'forja-profile-')).catch(() => undefined);
  if (folder === undefined) return undefined;
  try {
    const session = await open({ enableProfiling: true, profileFilePrefix: join(folder, 'profile') });
    try {
      const feeds = goldenFeeds(specsOf(model, session.inputMetadata));
      if (Object.values(feeds).reduce((sum, { shape }) => sum + sizeOf(shape), 0) > MAX_ELEMENTS) return undefined;
      await session.run(Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, toOrt(ort, feed)])));
      session.endProfiling();
    } finally {
      await session.release();
    }
    const [file = ''] = await readdir(folder);
    // Chrome's trace format, as onnxruntime writes it
    return placed(JSON.parse(await readFile(join(folder, file), 'utf8')) as Event[]);
  } catch {
    return undefined; // models that fail on such inputs must still load
  } finally {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

function placed(events: readonly Event[]): Pick<DeviceReport, 'placement' | 'cpuOps'> | undefined {
  const nodes = new Map<string, { provider: string; op: string }>();
  for (const { name, args: { provider = '', op_name: op = '', node_index: index = '' } = {} } of events)
    if (provider !== '')
      nodes.set(`${index} ${name}`, { provider: provider.replace(/ExecutionProvider$/, '').toLowerCase(), op });
  if (nodes.size === 0) return undefined;
  const placement: Record<string, number> = {};
  for (const { provider } of nodes.values()) placement[provider] = (placement[provider] ?? 0) + 1;
  return {
    placement,
    cpuOps: [...new Set([...nodes.values()].filter(({ provider }) => provider === 'cpu').map(({ op }) => op))].sort(),
  };
}
