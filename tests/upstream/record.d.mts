import type { Recording } from './recording.js';

/** Runs the specs, or reads what an earlier run of the same specs left. */
export function recording(): Promise<Recording>;
