// Describes an error in options or a configuration in one line: `where.path: expected X, got Y`.
import { issueLine, nearest, type SchemaIssue } from '@forja/core';

/** Additional information for a line. */
export interface Words {
  /** Descriptions of missing fields, by name. */
  required?: Readonly<Record<string, string>>;
  /** Names of top-level fields, to suggest corrections. */
  known?: readonly string[];
}

/** An issue of a schema check as a line. */
export function lineOf(root: string, issue: SchemaIssue, { required = {}, known = [] }: Words = {}): string {
  return issueLine(root, issue, { required, suggest: (name, depth) => nearest(name, depth === 1 ? known : []) });
}
