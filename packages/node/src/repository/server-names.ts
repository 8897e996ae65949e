// The servers that a repository can be written for.

/** Names of all servers; servers.ts has a row for each. */
export const SERVER_NAMES = ['triton', 'kserve', 'ray', 'mlserver', 'kubernetes'] as const;

/** A server that a repository is written for. */
export type ServerName = (typeof SERVER_NAMES)[number];
