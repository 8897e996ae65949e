// @forja/node's runtime: the conformance suite on each executor, and what is Node's own: a free event loop, leaving in the middle, nothing left behind.
import { runtimeConformance } from '@forja/core/conformance';
import { describe, expect, test } from 'vitest';
import { runtime } from './runtime.js';

describe.each(['worker', 'inline', 'process'] as const)('executor %s', (executor) => {
  runtimeConformance({ test, expect }, () => runtime({ device: 'cpu', executor, threads: 1 }));
});
