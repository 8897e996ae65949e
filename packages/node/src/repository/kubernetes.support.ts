// For tests: manifests against the schemas of Kubernetes and KServe in tests/vectors/kubernetes.
import { readFileSync } from 'node:fs';
import { Ajv, type AnySchemaObject } from 'ajv';

const { kinds, ...schemas } = JSON.parse(
  readFileSync(new URL('../../../../tests/vectors/kubernetes/schemas.json', import.meta.url), 'utf8'),
) as { kinds: Record<string, string> } & AnySchemaObject;
const ajv = new Ajv({ strict: false, allErrors: true }).addSchema(schemas, 'schemas');

/** Violations of the schema of a manifest's kind, each with its path. */
export function faultsOf(manifest: unknown): string[] {
  const { apiVersion, kind } = manifest as { apiVersion?: string; kind?: string };
  const name = kinds[`${apiVersion}/${kind}`];
  if (name === undefined) return [`expected one of ${Object.keys(kinds).join(', ')}, got ${apiVersion}/${kind}`];
  const check = ajv.getSchema(`schemas#/$defs/${name}`);
  if (!check) return [`no schema of ${name}`];
  if (check(manifest) === true) return [];
  return (check.errors ?? []).map(({ instancePath, message, params }) =>
    [instancePath, message, JSON.stringify(params)].join(' '),
  );
}
