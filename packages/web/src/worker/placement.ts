// Where the nodes of a session run. onnxruntime reports it only in verbose log lines on the console, which are read
// here while a session is made.
/* eslint-disable no-console -- the console is what is read here */

/** Nodes per provider, and the op types that went to the CPU. */
export interface Placement {
  placement: Record<string, number>;
  cpuOps: string[];
}

const METHODS = ['log', 'info', 'warn', 'error', 'debug'] as const;
let sink: string[] | undefined;
let watched = false;

/** Whether {@link watchConsole} was called; in a page it is not, because the console belongs to the app. */
export function consoleIsWatched(): boolean {
  return watched;
}

/**
 * Replaces this worker's console functions, so that verbose lines of onnxruntime are collected while a session is made.
 * Call it before onnxruntime is imported, because its JavaScript keeps the console functions that it finds then.
 */
export function watchConsole(): void {
  watched = true;
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
function readPlacement(lines: readonly string[]): Placement {
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
