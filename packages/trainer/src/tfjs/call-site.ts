// Where in the user's code a kernel call comes from: the first stack frame outside tfjs and Forja.
import * as tf from '@tensorflow/tfjs';

/**
 * A stack frame: `at name (place)` or `at place` in V8, `name@place` in Firefox and Safari. A place is
 * `file:line:column`.
 */
const FRAMES = [/^at .*\((.+:\d+:\d+)\)$/, /^at (?:async )?(.+:\d+:\d+)$/, /^[^@]*@(.+:\d+:\d+)$/];

/** Files of tfjs's packages: installed, mapped to their sources, or bundled; and the engine's own frames. */
const FOREIGN =
  /[\\/]@tensorflow[\\/+_]|[\\/]tfjs[a-z-]*[\\/](?:src|dist)[\\/]|[\\/]tf(?:-core|-layers)?(?:\.[a-z0-9]+)*\.js|^node:|<anonymous>/;

/** The folder that holds this package's code: `…/src/` from source, `…/dist/` once built. */
const HOME = import.meta.url
  .replace(/\/tfjs\/call-site\.[jt]s.*$/, '/')
  .replace(/\/dist\/.*$/, '/dist/')
  .replace(/^file:\/\/(?=\/)/, '');

/** How many frames to search: a call may be deep inside layers, models and gradients. */
const DEPTH = 100;

/** Cache of places by frame. Formatting a whole stack with source maps takes far longer than reading its frames. */
const placeCache = new Map<string, string | undefined>();

/** Cache of whether a file is the user's: a stack has a hundred frames of few files. */
const userFiles = new Map<string, boolean>();

/** The position in the user's code, `file:line:column`, or undefined if none of the searched frames is the user's. */
export function callSite(): string | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  try {
    const frames = structured();
    if (frames === undefined) return siteOf(new Error().stack ?? '');
    const frame = frames.find(isUsersFrame);
    if (frame === undefined) return undefined;
    const key = `${frame.getFileName?.() ?? ''}:${frame.getLineNumber?.() ?? 0}:${frame.getColumnNumber?.() ?? 0}`;
    if (!placeCache.has(key)) placeCache.set(key, siteOf(new Error().stack ?? ''));
    return placeCache.get(key);
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** Who called a function: the user, tfjs or Forja; ambiguous if a bundler has put all of them into one file. */
export interface Caller {
  who: 'user' | 'library' | 'bundle';
  site?: string;
}

/** The caller of `own`, the function that is running and calls this one directly. */
export function callerOf(own: (...given: never[]) => unknown): Caller {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = CALLER_DEPTH;
  try {
    const frames = structured(own);
    // In engines that only give text, the first two frames are this function and `own`.
    const place = frames === undefined ? placesOf(new Error().stack ?? '')[2] : placeOf(frames);
    if (place === undefined) return { who: frames?.some(isEvaluated) === true ? 'user' : 'library' };
    const file = place.replace(/:\d+:\d+$/, '');
    if (file === libraryFile() && !FOREIGN.test(place)) return { who: 'bundle' };
    const is = userFiles.get(file) ?? isUsers(place);
    userFiles.set(file, is);
    const site = is ? callSite() : undefined;
    return { who: is ? 'user' : 'library', ...(site === undefined ? {} : { site }) };
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** How many frames to search for a function's caller. */
const CALLER_DEPTH = 6;

/** Built-in functions such as Array.map have no file: skip to their caller. */
function placeOf(frames: readonly Frame[]): string | undefined {
  const frame = frames.find((one) => typeof one.getFileName?.() === 'string' || isEvaluated(one));
  const file = frame?.getFileName?.();
  return typeof file === 'string' ? `${file}:0:0` : undefined;
}

/** Evaluated code has no file; it is never tfjs's. */
function isEvaluated(frame: Frame): boolean {
  return frame.isEval?.() === true && typeof frame.getFileName?.() !== 'string';
}

let library: string | undefined;

/** The file that tfjs's engine is in. */
function libraryFile(): string {
  if (library !== undefined) return library;
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = CALLER_DEPTH;
  try {
    let place: string | undefined;
    // called by tfjs's own `tidy`
    const inside = (): [] => {
      const frames = structured(inside);
      place = frames === undefined ? placesOf(new Error().stack ?? '')[1] : placeOf(frames);
      return [];
    };
    tf.engine().tidy(inside);
    library = place?.replace(/:\d+:\d+$/, '') ?? '';
    return library;
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** What V8's structured frames offer. */
interface Frame {
  isEval?: () => boolean;
  getFileName?: () => string | null | undefined;
  getLineNumber?: () => number | null;
  getColumnNumber?: () => number | null;
}

/** The stack's frames without source maps, from the caller of `above` on; undefined in engines that only give text. */
function structured(above: (...given: never[]) => unknown = structured): Frame[] | undefined {
  const own = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  Object.defineProperty(Error, 'prepareStackTrace', {
    value: (_error: Error, frames: unknown) => frames,
    configurable: true,
    writable: true,
  });
  const holder: { stack?: unknown } = {};
  const { captureStackTrace } = Error as { captureStackTrace?: typeof Error.captureStackTrace }; // only in V8
  captureStackTrace?.(holder, above);
  const frames = holder.stack;
  if (own === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
  else Object.defineProperty(Error, 'prepareStackTrace', own);
  return Array.isArray(frames) ? (frames as Frame[]) : undefined;
}

function isUsersFrame(frame: Frame): boolean {
  const file = frame.getFileName?.();
  if (typeof file !== 'string') return false;
  const is = userFiles.get(file) ?? isUsers(`${file}:0:0`);
  userFiles.set(file, is);
  return is;
}

function isUsers(place: string, home: string = HOME): boolean {
  return !FOREIGN.test(place) && (!place.includes(home) || /\.test\.[jt]s:/.test(place));
}

/** The first place in a stack's text that is neither tfjs's nor Forja's. */
export function siteOf(stack: string, home: string = HOME): string | undefined {
  return placesOf(stack).find((place) => isUsers(place, home));
}

/** The places in a stack's text. */
function placesOf(stack: string): string[] {
  return stack.split('\n').flatMap(
    (line) =>
      FRAMES.map((frame) => frame.exec(line.trim())?.[1])
        .find((found) => found !== undefined)
        ?.replace(/^file:\/\/(?=\/)/, '') ?? [],
  );
}
