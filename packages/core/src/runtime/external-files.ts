// External weight files of a model: their minimum lengths, their addresses relative to the model's, and progress over
// all of them. Every loader uses this, so that all allow the same locations.
import { ModelFormatError } from '../errors.js';
import { isSafeLocation } from '../onnx/external-data.js';
import { externalLocations } from './skim.js';

/**
 * Throws `model.format` unless a location, which comes from an untrusted model, names a file in or below the model's
 * folder. `where` names the model in messages.
 */
export function checkLocation(where: string, location: string): void {
  if (!isSafeLocation(location)) throw outside(where, location);
}

/** The error for a location outside the folder. */
export function outside(where: string, location: string): ModelFormatError {
  return new ModelFormatError(
    'model.format',
    `${where}: expected external data inside the model's folder, got ${JSON.stringify(location)}; refused`,
  );
}

/**
 * The address of a location relative to the model's address, without the model's query and fragment. If the last URL
 * segment is itself an escaped path (`o/models%2Fgenerator.onnx?alt=media`), the folder is inside that segment, and the
 * query is kept, because such servers need it. Throws as {@link checkLocation} does.
 */
export function externalAddress(model: string, location: string): string {
  checkLocation(model, location);
  const steps = location.split('/').filter((step) => step !== '.');
  if (steps.includes('') || steps.length === 0) throw outside(model, location);
  const [, path = '', query = ''] = /^([^?#]*)(\?[^#]*)?/.exec(model) ?? [];
  const [escaped] = /%2f(?=[^/]*$)/i.exec(path) ?? [];
  const slash = escaped ?? '/';
  const folder = path.slice(0, path.lastIndexOf(slash) + slash.length);
  // escaped, so that `%2e`, `?` and `#` in a name have no meaning in the URL
  return folder + steps.map(encodeURIComponent).join(slash) + (escaped === undefined ? '' : query);
}

/** Throws `model.truncated` if a file is shorter than the model's tensors need. `least`: from `externalFiles`. */
export function checkExternalSizes(
  where: string,
  least: ReadonlyMap<string, number>,
  files: ReadonlyMap<string, { readonly length: number }>,
): void {
  for (const [location, { length }] of files) {
    const wanted = least.get(location) ?? 0;
    if (length < wanted)
      throw new ModelFormatError(
        'model.truncated',
        `${where}: expected at least ${wanted} bytes in its external data ${JSON.stringify(location)}, got ` +
          `${length}: copy or download that file again`,
      );
  }
}

/** Throws `model.notFound` if a model given as bytes has external data. */
export function checkAlone(where: string, model: Uint8Array): void {
  const [location] = externalLocations(model);
  if (location !== undefined)
    throw new ModelFormatError(
      'model.notFound',
      `${where}: expected a model with its weights, got one whose weights are in ${JSON.stringify(location)}: ` +
        'load it from its folder',
    );
}

/** Progress in bytes, of one file or of all of them together. */
export interface FileProgress {
  loaded: number;
  total?: number;
}

/** Progress over several files, the first of which is the model. Reported bytes never decrease nor exceed the total. */
export class ManyFiles<P extends FileProgress> {
  readonly #tell: (progress: P) => unknown;
  readonly #files: { loaded: number; expected: number | undefined }[] = [];
  #reported = 0;

  constructor(tell: (progress: P) => unknown) {
    this.#tell = tell;
  }

  /** A progress listener for one more file, of `expected` bytes if known in advance. */
  add(expected?: number): (progress: P) => unknown {
    const file = { loaded: 0, expected };
    this.#files.push(file);
    return (progress) => {
      file.loaded = progress.loaded;
      file.expected = progress.total;
      let [loaded, total]: [number, number | undefined] = [0, 0];
      for (const { loaded: here, expected: all } of this.#files) {
        loaded += here;
        total = total === undefined || all === undefined ? undefined : total + Math.max(all, here);
      }
      this.#reported = Math.max(this.#reported, loaded);
      const { total: _, ...rest } = progress;
      // TypeScript cannot see that only these two fields of `P` change.
      return this.#tell({
        ...rest,
        loaded: this.#reported,
        ...(total === undefined ? {} : { total: Math.max(total, this.#reported) }),
      } as P);
    };
  }
}
