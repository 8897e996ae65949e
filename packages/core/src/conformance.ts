// Subpath `@forja/core/conformance`: the tests that every Runtime must pass. Uses the caller's test framework.
import type { Conformance } from './conformance/contract.js';
import { errorChecks } from './conformance/errors.js';
import { lifeChecks } from './conformance/life.js';
import { runChecks } from './conformance/runs.js';
import { sharedChecks } from './conformance/shared.js';
import { stateChecks } from './conformance/state.js';
import type { Runtime } from './runtime/session.js';

export type { Conformance, Expectation } from './conformance/contract.js';

/** Options of {@link runtimeConformance}. */
export interface ConformanceOptions {
  /** Element types that the device under test declares unsupported. Default: none. */
  without?: readonly string[];
}

/**
 * Declares one test for each guarantee of {@link Runtime} and its sessions, on models built here. Each test makes a
 * runtime with `makeRuntime` and disposes of it. `test` and `expect` are those of vitest, Jest, `node:test` with an
 * `expect`, or similar: only `toEqual` is used.
 */
export function runtimeConformance(
  framework: Conformance,
  makeRuntime: () => Runtime | Promise<Runtime>,
  options: ConformanceOptions = {},
): void {
  const { test, expect } = framework;
  const checks = {
    ...runChecks(options.without ?? []),
    ...errorChecks,
    ...stateChecks,
    ...sharedChecks,
    ...lifeChecks,
  };
  for (const [name, check] of Object.entries(checks)) {
    test(name, async () => {
      const runtime = await makeRuntime();
      try {
        await check(runtime, (actual, expected) => void expect(actual).toEqual(expected));
      } finally {
        await runtime.dispose();
      }
    });
  }
}
