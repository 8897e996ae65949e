// Whose code is running: the user's, tfjs's or Forja's, by the files of the stack's frames; and where in the user's
// code a kernel call comes from: the first frame outside tfjs and Forja.
import { isDetached } from '@forja/core';
import * as tf from '@tensorflow/tfjs';

/**
 * A stack frame: `at name (place)` or `at place` in V8, `name@place` in Firefox and Safari. A place is
 * `file:line:column`.
 */
const FRAMES = [/^at .*\((.+:\d+:\d+)\)$/, /^at (?:async )?(.+:\d+:\d+)$/, /^[^@]*@(.+:\d+:\d+)$/];

/** A file of one of tfjs's packages: installed, linked by pnpm, prepared by Vite, or from a CDN. */
const TFJS =
  /[\\/]@tensorflow[\\/+_]tfjs(?:-(?:core|layers|converter|data|backend-[a-z]+|node(?:-gpu)?|vis))?(?:[\\/@._]|$)/;

/** The names under which all of tfjs is published as one file: `tf.min.js`. */
const WHOLE = /[\\/]tf(?:\.(?:es2017|fesm|min|node))*\.js$/;

/** The folder and the name of a package of tfjs that is published as one file: `tf-core.es2017.js`. */
const SPLIT = /^(.*[\\/])tf-(?:core|layers|converter|data|backend-[a-z]+)(?:\.(?:es2017|fesm|min|node))*\.js$/;

/** This package's folder, `dist` or `src`, for a file of it: installed, from a CDN, or in a checkout (`packages`). */
const PACKAGE = /^((.*[\\/])(@forja|packages)([\\/])trainer(?:@[^\\/]+)?[\\/](?:dist|src)[\\/])(?:tfjs[\\/])?[^\\/]+$/;

/** How many frames to search: a call may be deep inside layers, models and gradients. */
const DEPTH = 100;

/** How many frames to search for a function's caller. */
const CALLER_DEPTH = 6;

/** Cache of places by frame. Formatting a whole stack with source maps takes far longer than reading its frames. */
const placeCache = new Map<string, string | undefined>();

/** The position in the user's code, `file:line:column`, or undefined if none of the searched frames is the user's. */
export function callSite(): string | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  try {
    const frames = structured();
    if (frames === undefined) return siteOf(text(new Error()));
    const index = frames.findIndex(isUsersFrame);
    const frame = frames[index];
    if (frame === undefined) return undefined;
    const key = `${fileOf(frame) ?? ''}:${frame.getLineNumber?.() ?? 0}:${frame.getColumnNumber?.() ?? 0}`;
    if (!placeCache.has(key)) {
      const stack = text(new Error());
      // the same frame in the text, which has the line in the source if there is a source map
      const [line] = stack
        .split('\n')
        .filter((one) => /^\s+at /.test(one))
        .slice(index);
      placeCache.set(key, placesOf(line ?? '')[0] ?? siteOf(stack));
    }
    return placeCache.get(key);
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** Who called a function: the user, tfjs or Forja; ambiguous if a bundler has put several of them into one file. */
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
    const file = frames === undefined ? placesOf(text(new Error()))[2]?.replace(PLACE, '') : callerFile(frames);
    if (file === undefined) return { who: frames?.some(isEvaluated) === true ? 'user' : 'library' };
    const who = ownerOf(plain(file));
    const site = who === 'user' ? callSite() : undefined;
    return { who, ...(site === undefined ? {} : { site }) };
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** Cache of owners: a stack has a hundred frames of few files. */
const owners = new Map<string, Caller['who']>();

/** Whose code a file has. */
function ownerOf(file: string): Caller['who'] {
  const known = owners.get(file) ?? decideOwner(file);
  owners.set(file, known);
  return known;
}

function decideOwner(file: string): Caller['who'] {
  const { file: ownFile, folder } = forja();
  if (file === ownFile && folder === undefined) return 'bundle';
  if (isTfjs(file) || (folder !== undefined && isInside(file, folder))) return 'library';
  return file === engineFile() ? 'bundle' : 'user';
}

/** Whether a file has code of tfjs and nothing else. */
function isTfjs(file: string): boolean {
  if (file.startsWith('data:')) return false; // the rest is source text, which may contain any path
  const path = /^https?:/.test(file) ? file.replace(/[?#].*$/, '') : file;
  if (TFJS.test(path)) return true;
  const engine = engineFile();
  const folder = SPLIT.exec(path)?.[1];
  return (file === engine && WHOLE.test(path)) || (folder !== undefined && folder === SPLIT.exec(engine)?.[1]);
}

/** Whether a file is in this package. Tests of this package stand for users' code. */
function isInside(file: string, folder: string): boolean {
  return file.startsWith(folder) && !(folder.endsWith('src/') && /\.test\.[jt]s$/.test(file));
}

let own: { file: string; folder: string | undefined } | undefined;

/**
 * This package's folder, by the files of this code and of `@forja/core`. Undefined if a bundler has put this code into
 * a file of the user's, which may be at such a path too: then core is in the same folder, or not beside a checkout.
 */
export function packageFolder(file: string, core: string): string | undefined {
  const [, folder, root, scope, slash] = PACKAGE.exec(file) ?? [];
  if (folder === undefined || core.startsWith(folder)) return undefined;
  const checkout = `${root ?? ''}packages${slash ?? ''}core${slash ?? ''}`;
  return scope === '@forja' || core.startsWith(checkout) ? folder : undefined;
}

/**
 * The file that this code is in, and this package's folder; no folder if this file may hold the user's code as well.
 */
function forja(): { file: string; folder: string | undefined } {
  if (own === undefined) {
    const file = fileCalling((inside) => inside());
    const core = fileCalling((inside) =>
      isDetached(Object.defineProperty({}, 'buffer', { get: inside }) as Uint8Array),
    );
    own = { file, folder: packageFolder(file, core) };
  }
  return own;
}

let engine: string | undefined;

/** The file that tfjs's engine is in. */
function engineFile(): string {
  return (engine ??= fileCalling((inside) => tf.engine().tidy(inside)));
}

/** The file of the code that calls the function which `call` passes to it; empty if it is not known. */
function fileCalling(call: (inside: () => []) => unknown): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = CALLER_DEPTH;
  try {
    let file: string | undefined;
    const inside = (): [] => {
      const frames = structured(inside);
      file = frames === undefined ? placesOf(text(new Error()))[1]?.replace(PLACE, '') : callerFile(frames);
      return [];
    };
    call(inside);
    return plain(file ?? '');
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** What V8's structured frames offer. */
interface Frame {
  isEval?: () => boolean;
  getFileName?: () => string | null | undefined;
  getScriptNameOrSourceURL?: () => string | null | undefined;
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

/** The file of a frame. Evaluated code has one if it names its source, as webpack's modules do. */
function fileOf(frame: Frame): string | undefined {
  const file = frame.getFileName?.() ?? frame.getScriptNameOrSourceURL?.();
  return typeof file === 'string' ? file : undefined;
}

/** The file of the caller. Built-in functions such as Array.map have none, and Node's count as built in: skipped. */
function callerFile(frames: readonly Frame[]): string | undefined {
  const frame = frames.find((one) => {
    const file = fileOf(one);
    return isEvaluated(one) || (file !== undefined && !isBuiltin(file));
  });
  return frame && fileOf(frame);
}

/** Whether a frame is of evaluated code without a name, which is never tfjs's. */
function isEvaluated(frame: Frame): boolean {
  return frame.isEval?.() === true && fileOf(frame) === undefined;
}

function isUsersFrame(frame: Frame): boolean {
  const file = fileOf(frame);
  return file !== undefined && !isNodes(file) && ownerOf(plain(file)) === 'user';
}

/** Node's own code, and code without a file in a stack's text: `eval at run (file:///app/a.js:1:1), <anonymous>`. */
function isNodes(file: string): boolean {
  return isBuiltin(file) || /^$|(?:^|, )<anonymous>$/.test(file);
}

/** What Node's process offers; absent in browsers. */
interface Host {
  process?: { getBuiltinModule?: (name: 'module') => { isBuiltin: (name: string) => boolean } | undefined };
}

/** Whether a file is Node's or Electron's own. Scripts that the user's code runs by `node:vm` may be `node:…` too. */
function isBuiltin(file: string): boolean {
  const { process } = globalThis as Host;
  return (
    /^node:(?:internal\/|electron\/|_http_|_stream_|_tls_|embedder_main)/.test(file) ||
    (file.startsWith('node:') && process?.getBuiltinModule?.('module')?.isBuiltin(file) === true)
  );
}

/** The first place in a stack's text that is neither tfjs's nor Forja's. */
export function siteOf(stack: string, home?: string): string | undefined {
  return placesOf(stack).find((place) => {
    const file = place.replace(PLACE, '');
    if (isNodes(file)) return false;
    return home === undefined ? ownerOf(file) === 'user' : !isTfjs(file) && !file.startsWith(home);
  });
}

/** Line and column of a place. */
const PLACE = /:\d+:\d+$/;

/** The places in a stack's text. */
function placesOf(stack: string): string[] {
  return stack.split('\n').flatMap((line) => {
    const place = FRAMES.map((frame) => frame.exec(line.trim())?.[1]).find((found) => found !== undefined);
    return place === undefined ? [] : plain(place);
  });
}

/** A file or place without the scheme of file URLs, so that both forms of a path are equal. */
function plain(place: string): string {
  return place.replace(/^file:\/\/(?=\/)/, '');
}

/** An error's stack as text; a hook of the user's may give something else. */
function text({ stack }: Error): string {
  return typeof stack === 'string' ? stack : '';
}
