// Where in the user's code a kernel call comes from: the first stack frame outside tfjs and Forja.

/**
 * A frame as V8 writes it, `at name (place)` or `at place`, and as Firefox and Safari do, `name@place`. A place is
 * `file:line:column`.
 */
const FRAMES = [/^at .*\((.+:\d+:\d+)\)$/, /^at (?:async )?(.+:\d+:\d+)$/, /^[^@]*@(.+:\d+:\d+)$/];

/** tfjs's packages as installed, mapped to their sources, or bundled; and the engine's own frames. */
const FOREIGN =
  /[\\/]@tensorflow[\\/+]|[\\/]tfjs[a-z-]*[\\/](?:src|dist)[\\/]|[\\/]tf(?:-core|-layers)?(?:\.[a-z0-9]+)*\.js|^node:|<anonymous>/;

/** The folder that holds this package's code: `…/src/` from source, `…/dist/` once built. */
const HOME = import.meta.url
  .replace(/\/tfjs\/call-site\.[jt]s.*$/, '/')
  .replace(/\/dist\/.*$/, '/dist/')
  .replace(/^file:\/\/(?=\/)/, '');

/** Frames to look through: a call may lie deep under layers, models and gradients. */
const DEPTH = 100;

/**
 * Places by the frame they were found for. Writing a whole stack as text, with source maps, takes far longer than
 * looking at its frames.
 */
const known = new Map<string, string | undefined>();

/** Whether a file is the user's, by its name: a stack has a hundred frames of few files. */
const users = new Map<string, boolean>();

/** The caller's place, `file:line:column`, or undefined where no frame of the user's is in reach. */
export function callSite(): string | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  try {
    const frames = structured();
    if (frames === undefined) return siteOf(new Error().stack ?? '');
    const frame = frames.find(isUsersFrame);
    if (frame === undefined) return undefined;
    const key = `${frame.getFileName?.() ?? ''}:${frame.getLineNumber?.() ?? 0}:${frame.getColumnNumber?.() ?? 0}`;
    if (!known.has(key)) known.set(key, siteOf(new Error().stack ?? ''));
    return known.get(key);
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** What V8's structured frames offer. */
interface Frame {
  getFileName?: () => string | null | undefined;
  getLineNumber?: () => number | null;
  getColumnNumber?: () => number | null;
}

/** The stack's frames before source maps, or undefined in engines that write text only. */
function structured(): Frame[] | undefined {
  const own = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  Object.defineProperty(Error, 'prepareStackTrace', {
    value: (_error: Error, frames: unknown) => frames,
    configurable: true,
    writable: true,
  });
  const frames: unknown = new Error().stack;
  if (own === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
  else Object.defineProperty(Error, 'prepareStackTrace', own);
  return Array.isArray(frames) ? (frames as Frame[]) : undefined;
}

function isUsersFrame(frame: Frame): boolean {
  const file = frame.getFileName?.();
  if (typeof file !== 'string') return false;
  const is = users.get(file) ?? isUsers(`${file}:0:0`);
  users.set(file, is);
  return is;
}

function isUsers(place: string, home: string = HOME): boolean {
  return !FOREIGN.test(place) && (!place.includes(home) || /\.test\.[jt]s:/.test(place));
}

/** The first place in a stack's text that is neither tfjs's nor Forja's. */
export function siteOf(stack: string, home: string = HOME): string | undefined {
  for (const line of stack.split('\n')) {
    const place = FRAMES.map((frame) => frame.exec(line.trim())?.[1])
      .find((found) => found !== undefined)
      ?.replace(/^file:\/\/(?=\/)/, '');
    if (place !== undefined && isUsers(place, home)) return place;
  }
  return undefined;
}
