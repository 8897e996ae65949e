// The files that hold a model's weights: how long each must be, where it lies when the model has an address, and
// progress over all of them. Every loader uses this, so that none allows what another refuses.
import { ModelFormatError } from '../errors.js';
import { isSafeLocation } from '../onnx/external-data.js';
import { externalLocations } from './skim.js';

/**
 * Throws `model.format` unless a location, which is what an untrusted model says, names a file in or below the model's
 * folder. `where` names the model in messages.
 */
export function checkLocation(where: string, location: string): void {
  if (!isSafeLocation(location)) throw outside(where, location);
}

/** The refusal of a location that leads elsewhere. */
export function outside(where: string, location: string): ModelFormatError {
  return new ModelFormatError(
    'model.format',
    `${where}: expected external data inside the model's folder, got ${JSON.stringify(location)}; refused`,
  );
}

/**
 * The address of a location beside the model of this address, whose query and fragment are its own. Where the last step
 * of the address is a path itself (`o/models%2Fgenerator.onnx?alt=media`), the folder is in that step, and the query,
 * which says how such servers answer, goes along. Throws as {@link checkLocation} does.
 */
export function externalAddress(model: string, location: string): string {
  checkLocation(model, location);
  const steps = location.split('/').filter((step) => step !== '.');
  if (steps.includes('') || steps.length === 0) throw outside(model, location);
  const [, path = '', query = ''] = /^([^?#]*)(\?[^#]*)?/.exec(model) ?? [];
  const [escaped] = /%2f(?=[^/]*$)/i.exec(path) ?? [];
  const slash = escaped ?? '/';
  const folder = path.slice(0, path.lastIndexOf(slash) + slash.length);
  // A name is a name: `%2e`, `?` and `#` mean nothing in it.
  return folder + steps.map(encodeURIComponent).join(slash) + (escaped === undefined ? '' : query);
}

/**
 * Throws `model.truncated` where a file is shorter than the model says that its tensors reach. `least`: as
 * `externalFiles` gives it.
 */
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
        `${where}: expected at least ${wanted} bytes in its external data ${JSON.stringify(location)}, got ${length}: copy or download that file again`,
      );
  }
}

/** Throws `model.notFound` where a model that came without a place has external data. */
export function checkAlone(where: string, model: Uint8Array): void {
  const [location] = externalLocations(model);
  if (location !== undefined)
    throw new ModelFormatError(
      'model.notFound',
      `${where}: expected a model with its weights, got one whose weights are in ${JSON.stringify(location)}: load it from where that file lies beside it`,
    );
}

/** Bytes of one file, or of all. */
export interface FileProgress {
  loaded: number;
  total?: number;
}

/** Progress over several files, of which the first is the model. What is told never falls, nor passes its total. */
export class ManyFiles<P extends FileProgress> {
  readonly #tell: (progress: P) => void;
  readonly #files: { loaded: number; expected: number | undefined }[] = [];
  #told = 0;

  constructor(tell: (progress: P) => void) {
    this.#tell = tell;
  }

  /** A listener for one more file, of `expected` bytes where that is known before its first. */
  add(expected?: number): (progress: P) => void {
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
      this.#told = Math.max(this.#told, loaded);
      const { total: _, ...rest } = progress;
      // The rest of `P` is the file's own; TypeScript does not see that nothing but these two changed.
      this.#tell({
        ...rest,
        loaded: this.#told,
        ...(total === undefined ? {} : { total: Math.max(total, this.#told) }),
      } as P);
    };
  }
}
