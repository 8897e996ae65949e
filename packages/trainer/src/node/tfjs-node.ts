// The engine `tfjs` in Node: @tensorflow/tfjs-node if it is installed and its native binding loads, else tfjs's own
// JavaScript backend, with a message that says why. There must be only one copy of tfjs in the process, so tfjs-node is
// given ours instead of loading its own.
import { existsSync, readdirSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';

const NAME = '@tensorflow/tfjs-node';

/** Where {@link useTfjsNode} searches. */
export interface TfjsNodePlaces {
  /**
   * Folder of the package, or of a project that has it; if given, the only place searched. Default: the environment
   * variable FORJA_TFJS_NODE.
   */
  folder?: string | undefined;
  /**
   * Files or folders from which the package is resolved, in order. Default: this package, then the process's folder.
   */
  from?: readonly string[];
}

/**
 * Makes tfjs-node the backend of tfjs. Returns undefined on success, else the reason and what runs instead; never
 * throws.
 */
export async function useTfjsNode(places: TfjsNodePlaces = {}): Promise<string | undefined> {
  try {
    if (!registered()) loadTfjsNode(places); // otherwise the user has imported it already
    if (!registered() || !(await tf.setBackend('tensorflow')))
      throw new Error("it did not register the backend 'tensorflow'");
    tryOut();
    return undefined;
  } catch (error) {
    await tf.setBackend('cpu');
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return (
      `engine 'tfjs': ${NAME} cannot be used (${why}); training in plain JavaScript, tens of times ` +
      `slower. node scripts/tfjs-node.mjs, in Forja's repository, builds its binding if the download host cannot ` +
      `be reached; the engine 'onnx' needs neither`
    );
  }
}

// may be null, despite its type
const registered = (): boolean => (tf.findBackendFactory('tensorflow') as unknown) !== null;

function loadTfjsNode(places: TfjsNodePlaces): void {
  if (!('isNullOrUndefined' in util))
    throw new Error(`it needs Node 22 or older, got ${process.versions.node}, which dropped util.isNullOrUndefined`);
  const folder = findPackage(places);
  const own = createRequire(join(folder, 'package.json'));
  // TensorFlow reads both variables when it is loaded. The first enables oneDNN, whose convolutions are 1.4-1.7 times
  // faster; the second suppresses the banner on stderr.
  process.env['TF_ENABLE_ONEDNN_OPTS'] ??= '1';
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '1';
  withOurTfjs(own, () => own(folder) as unknown);
}

/** The first folder with a built binding. Throws an Error naming what is missing. */
function findPackage({
  folder = process.env['FORJA_TFJS_NODE'],
  from = [import.meta.url, join(process.cwd(), 'package.json')],
}: TfjsNodePlaces): string {
  const found: string[] = [];
  if (folder !== undefined) {
    const given = resolve(folder);
    const nested = existsSync(given) ? resolveFrom(join(given, 'package.json')) : undefined;
    if (isPackage(given)) found.push(given);
    else if (nested !== undefined) found.push(nested);
    else
      throw new Error(
        `expected FORJA_TFJS_NODE to be the folder of ${NAME} or of a project that has it, got ${folder}`,
      );
  } else found.push(...from.map(resolveFrom).filter((path) => path !== undefined));
  const ready = found.find(hasBinding);
  if (ready !== undefined) return ready;
  throw new Error(found[0] === undefined ? 'it is not installed' : `its native binding is missing in ${found[0]}`);
}

function isPackage(folder: string): boolean {
  try {
    const { name } = createRequire(join(folder, 'package.json'))('./package.json') as { name?: unknown };
    return name === NAME || name === `${NAME}-gpu`;
  } catch {
    return false;
  }
}

function resolveFrom(place: string): string | undefined {
  const path = resolved(createRequire(place), `${NAME}/package.json`);
  return path === undefined ? undefined : dirname(path);
}

function resolved(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch {
    return undefined; // not installed there
  }
}

/**
 * Whether the package has its native binding. Checked in advance: without a binding, the package's index throws only
 * after it has registered its kernels.
 */
function hasBinding(folder: string): boolean {
  const lib = join(folder, 'lib');
  return existsSync(lib) && readdirSync(lib).some((napi) => existsSync(join(lib, napi, 'tfjs_binding.node')));
}

/**
 * Packages of tfjs that tfjs-node requires: the union package, and core in one of its kernels. The union exports
 * everything of core.
 */
const SHARED = ['@tensorflow/tfjs', '@tensorflow/tfjs-core'];

/**
 * Runs `load` while the {@link SHARED} packages that `own` resolves are replaced by this module's tfjs. A second copy
 * would share the global registries of backends and kernels, but have its own tensor classes, which fail `instanceof`.
 */
function withOurTfjs(own: NodeJS.Require, load: () => unknown): void {
  const before = new Map<string, NodeJS.Module | undefined>();
  for (const path of SHARED.map((name) => resolved(own, name)).filter((path) => path !== undefined)) {
    const theirs = own.cache[path];
    if ((theirs?.exports as Partial<typeof tf> | undefined)?.Tensor === tf.Tensor) continue; // already ours
    const ours = new Module(path);
    // imported into an ES module, a CommonJS module has all its names only in `default`
    ours.exports = 'default' in tf ? tf.default : tf;
    ours.loaded = true;
    own.cache[path] = ours;
    before.set(path, theirs);
  }
  try {
    load();
  } finally {
    for (const [path, theirs] of before) {
      if (theirs === undefined) delete own.cache[path];
      else own.cache[path] = theirs;
    }
  }
}

/** Runs a few operations; they fail if the binding is for another TensorFlow, or if a second copy of tfjs is loaded. */
function tryOut(): void {
  tf.tidy(() => {
    const joined = tf.concat([tf.tensor1d([1, 2]), tf.tensor1d([3])]);
    const sum = joined.add(joined);
    const values = Array.from(sum.dataSync());
    if (!(sum instanceof tf.Tensor) || String(values) !== '2,4,6')
      throw new Error(`expected the sum 2,4,6 in a tensor of this tfjs, got ${values.join(',')}`);
  });
}
