// The parts of an option's schema that flags and documentation tables read. Both have a row for each type of schema.

/** Types of valibot schemas that an option may have: each has a kind of flag, and words for its values in the docs. */
export type OptionType = 'number' | 'boolean' | 'picklist' | 'string' | 'union' | 'array' | 'strict_object' | 'record';

/** The used part of a schema; `pipe` has the checks and the description. */
export interface OptionShape {
  /** An {@link OptionType}, `optional`, or, in a user's own system, another type, which has no flag. */
  type: string;
  /** The schema inside an optional one. */
  wrapped?: OptionShape;
  default?: unknown;
  /** The fields of an object. */
  entries?: Record<string, OptionShape>;
  /** The items of an array. */
  item?: OptionShape;
  /** The values of a picklist. */
  options?: readonly unknown[];
  pipe?: readonly OptionAction[];
}

/** A check, a description or metadata in a schema's pipe; or an inner schema with its own pipe. */
export interface OptionAction {
  type: string;
  requirement?: unknown;
  pipe?: readonly OptionAction[];
  metadata?: OptionMetadata;
}

/** What an option may declare with `v.metadata`. */
export interface OptionMetadata {
  /** Names of an open set. */
  choices?: () => string[];
  /** Description of the values, for docs. */
  words?: string;
  /**
   * Format of the values of a record's flag, as help shows it. If set, the text after `name=` is the entry's value as
   * it is. Default `name=weight`, where the text is parsed as a weight and parameters.
   */
  value?: string;
}

/** The row of a schema's type; undefined for a type that options of Forja's own systems do not have. */
export function rowOfType<T>(table: Readonly<Record<OptionType, T>>, type: string): T | undefined {
  return Object.hasOwn(table, type) ? table[type as OptionType] : undefined; // all keys of the table are types
}
