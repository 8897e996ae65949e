// Where in the user's code a kernel call comes from: the first stack frame outside tfjs and Forja.

/** A frame's place, as V8, Firefox and Safari write it: `file:line:column`. */
const PLACE = /(?:\(|@|at )?((?:[a-z][a-z+.-]*:\/\/|\/|[A-Za-z]:[\\/])?[^\s()@]+:\d+:\d+)\)?$/;

/** tfjs's packages, whole or bundled, and the engine's own frames. */
const FOREIGN = /[\\/]@tensorflow[\\/+]|[\\/]tf(?:-core|-layers)?(?:\.[a-z0-9]+)*\.js|^node:|<anonymous>/;

/** The folder that holds this package's code: `…/src/` from source, `…/dist/` once built. */
const HOME = import.meta.url.replace(/\/trace\/call-site\.[jt]s.*$/, '/').replace(/\/dist\/.*$/, '/dist/').replace(/^file:\/\/(?=\/)/, '');

/** Frames to look through: a call may lie deep under layers, models and gradients. */
const DEPTH = 100;

/** The caller's place, `file:line:column`, or undefined where no frame of the user's is in reach. */
export function callSite(): string | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = limit;
  return siteOf(stack);
}

/** The first place in a stack's text that is neither tfjs's nor Forja's. */
export function siteOf(stack: string, home: string = HOME): string | undefined {
  for (const line of stack.split('\n')) {
    const place = PLACE.exec(line.trim())?.[1]?.replace(/^file:\/\/(?=\/)/, '');
    if (place === undefined || FOREIGN.test(place)) continue;
    if (place.includes(home) && !/\.test\.[jt]s:/.test(place)) continue;
    return place;
  }
  return undefined;
}
