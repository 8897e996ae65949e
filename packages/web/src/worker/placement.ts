// Where the nodes of a session landed. onnxruntime says it only in verbose log lines, on the console: this reads them while a session is made.
/* eslint-disable no-console -- the console is what is read here */

/** Nodes per provider, and the op types that went to the CPU. */
export interface Placement {
  placement: Record<string, number>;
  cpuOps: string[];
}

const METHODS = ['log', 'info', 'warn', 'error', 'debug'] as const;
let sink: string[] | undefined;

/** Routes this worker's console through the sink. Before onnxruntime is imported, because its glue keeps the functions it finds. */
export function watchConsole(): void {
  for (const method of METHODS) {
    const print = console[method].bind(console);
    console[method] = (...parts: unknown[]) => {
      const line = parts.map(String).join(' ');
      if (isVerbose(line)) sink?.push(line);
      else print(...parts);
    };
  }
}

/** Runs `make` with its verbose log lines collected instead of printed. Calls must not overlap. */
export async function withPlacement<T>(make: () => Promise<T>): Promise<{ value: T } & Placement> {
  const lines: string[] = [];
  sink = lines;
  try {
    const value = await make();
    return { value, ...readPlacement(lines) };
  } finally {
    sink = undefined;
  }
}

function isVerbose(line: string): boolean {
  return /\[[VI]:onnxruntime/.test(line);
}

const PLACED = /placed on \[(\w+)\]\. Number of nodes: (\d+)/;
const NODE = /\]\s+(\w+) \([^)]*\)\s*(?:\x1b\[m)?$/;
const SHORT: Readonly<Record<string, string>> = { CPUExecutionProvider: 'cpu', WebGpuExecutionProvider: 'webgpu' };

/** Reads the block that starts with `Node placements`. */
export function readPlacement(lines: readonly string[]): Placement {
  const placement: Record<string, number> = {};
  const cpuOps = new Set<string>();
  let provider: string | undefined;
  for (const line of lines) {
    const placed = PLACED.exec(line);
    if (placed) {
      provider = SHORT[placed[1] ?? ''] ?? placed[1] ?? '';
      placement[provider] = (placement[provider] ?? 0) + Number(placed[2]);
    } else if (provider !== undefined) {
      const node = NODE.exec(line);
      if (!node) provider = undefined;
      else if (provider === 'cpu' && node[1] !== undefined) cpuOps.add(node[1]);
    }
  }
  return { placement, cpuOps: [...cpuOps].sort() };
}

/** Nodes of a model's top graph, found by skipping through its protobuf; 0 when that fails. */
export function countNodes(model: Uint8Array): number {
  let nodes = 0;
  eachField(model, 0, model.length, (field, from, to) => {
    if (field === 7) eachField(model, from, to, (inner) => void (nodes += inner === 1 ? 1 : 0));
  });
  return nodes;
}

function eachField(bytes: Uint8Array, from: number, to: number, visit: (field: number, from: number, to: number) => void): void {
  let at = from;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < to; scale *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    return Number.NaN;
  };
  while (at < to) {
    const key = varint();
    const wire = key % 8;
    if (wire === 0) varint();
    const length = wire === 2 ? varint() : ({ 0: 0, 1: 8, 5: 4 } as Readonly<Record<number, number>>)[wire];
    if (length === undefined || !(at + length <= to)) return;
    if (wire === 2) visit(Math.floor(key / 8), at, at + length);
    at += length;
  }
}
