// Names that Kubernetes allows for Services: RFC 1035 labels.
import { UsageError } from '@forja/core';

const LABEL = /^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** Throws UsageError for a model's name that cannot be a Service's. */
export function checkLabel(name: string): void {
  if (!LABEL.test(name))
    throw new UsageError(
      `export-repository: expected a name that Kubernetes takes (lower-case letters, digits and hyphens, a letter ` +
        `first, at most 63), got '${name}'; name the model with <name>=<file>`,
    );
}
