// What a model may be called: names go into addresses and labels. Apart from the rest, so that the command knows it
// without loading the service.

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Whether a model may be called so. */
export function isModelName(name: string): boolean {
  return NAME.test(name);
}
