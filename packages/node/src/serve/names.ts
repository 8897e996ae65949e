// Allowed model names, which appear in URLs and in the labels of Prometheus metrics. A separate file, so that the
// command need not import the service.

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Whether a name is allowed. */
export function isModelName(name: string): boolean {
  return NAME.test(name);
}
