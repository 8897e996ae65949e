// Tables of cases that are alike: `npm test` takes a few of them, one for each kind, and `npm run test:full` all.

/** Whether every case is run: `npm run test:full` sets FORJA_FULL=1. */
export const FULL: boolean = process.env['FORJA_FULL'] === '1';

/** `few` of the cases, or `all` of them under FORJA_FULL=1. */
export const sweep = <T>(all: readonly T[], few: readonly T[]): readonly T[] => (FULL ? all : few);
