// Finds what is missing for CUDA on this machine: the provider's libraries, their dependencies, and the driver, by
// reading files only. onnxruntime's own error does not name them.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { readElf, type Elf } from './elf.js';
import { Loader, type LoaderHost } from './loader.js';

/** A required library that cannot be loaded. */
export interface Lack {
  file: string;
  /** File name of the library that needs it. */
  neededBy: string;
  /** What it is part of, if known: 'CUDA 12', 'cuDNN 9', 'the NVIDIA driver'. */
  partOf?: string;
  /** An unusable file of that name, and why it is unusable. */
  broken?: { path: string; why: string };
  /** Paths of other versions, or of this version in a folder where the loader does not look. */
  others: string[];
}

/** Result of {@link inspectCuda}. Plain data. */
export interface CudaReport {
  /** True if no problem is known. */
  ready: boolean;
  /** Folder of onnxruntime's libraries. */
  folder: string | undefined;
  /** Version of CUDA that the provider was built for, if its dependencies show it. */
  cuda: number | undefined;
  /** Provider libraries missing from onnxruntime-node's folder. */
  absent: string[];
  lacks: Lack[];
  driver: { version: string; enough: boolean | undefined } | undefined;
  /** A line for each problem. */
  problems: string[];
}

/** Where to look; set only by tests. */
export interface CudaHost extends LoaderHost {
  /** Folder of onnxruntime's libraries. */
  folder?: string | undefined;
  /** The driver's version file. */
  driver?: string;
}

const PROVIDERS = ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so'] as const;

/** Stands in for the requesting library when libcuda is looked up directly; machine 62 is x86-64. */
const HERE: { path: string; elf: Elf } = {
  path: '/',
  elf: { bits: 64, machine: 62, soname: undefined, needed: [], runpath: [] },
};

/** Lowest driver for a version of CUDA on Linux x86-64 (CUDA Toolkit release notes, "minor version compatibility"). */
const DRIVER: Readonly<Record<number, string>> = { 11: '450.80.02', 12: '525.60.13', 13: '580.65.06' };

/** What a library is part of, by file name. cuFFT and cuRAND have version numbers of their own. */
const PARTS: readonly (readonly [RegExp, (version: string) => string])[] = [
  [/^lib(?:cudart|cublas|cublasLt|nvrtc|nvJitLink|cusparse)\.so\.(\d+)/, (version) => `CUDA ${version}`],
  [/^lib(?:cufft|curand|cusolver)\.so\.(\d+)/, () => 'CUDA'],
  [/^libcudnn(?:_\w+)?\.so\.(\d+)/, (version) => `cuDNN ${version}`],
  [/^libnvinfer\w*\.so\.(\d+)/, (version) => `TensorRT ${version}`],
  [/^lib(?:cuda|nvidia-ml)\.so\.(\d+)/, () => 'the NVIDIA driver'],
];

/** Folder of onnxruntime-node's native libraries; undefined if it is not installed or has none for this system. */
export function nativeFolder(): string | undefined {
  try {
    const root = dirname(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')));
    return ['napi-v6', 'napi-v3']
      .map((abi) => join(root, 'bin', abi, process.platform, process.arch))
      .find((folder) => existsSync(folder));
  } catch {
    return undefined;
  }
}

/** Whether loading the provider is safe to try: no dependency is known to be damaged. */
export function isSound({ folder, absent, lacks }: CudaReport): boolean {
  return folder !== undefined && absent.length === 0 && lacks.every(({ broken }) => !broken);
}

/** Checks what CUDA needs on this machine. Never throws: unreadable files are problems in the report. */
export function inspectCuda(host: CudaHost = {}): CudaReport {
  const folder = 'folder' in host ? host.folder : nativeFolder();
  const found = PROVIDERS.map((file) => ({ file, path: join(folder ?? '', file) }));
  const absent = found.filter(({ path }) => folder === undefined || !existsSync(path)).map(({ file }) => file);
  const loader = new Loader(host);
  const walk = new Walk(loader);
  for (const { file, path } of found) if (!absent.includes(file)) walk.enter(path);
  const cuda = walk.cuda;
  const driver = driverOf(host.driver ?? '/proc/driver/nvidia/version', cuda);
  const problems: string[] = [];
  if (folder === undefined) problems.push('onnxruntime-node is not installed, or has no build for this system');
  else if (absent.length > 0)
    problems.push(
      `${absent.join(' and ')} ${absent.length === 1 ? 'is' : 'are'} missing in onnxruntime-node's folder; its ` +
        `install script downloads ${absent.length === 1 ? 'it' : 'them'}`,
    );
  problems.push(...walk.lacks.map(lineOf));
  // Under WSL, the driver runs on the host, and only its library is visible.
  if (!driver && loader.find('libcuda.so.1', HERE).state === 'missing')
    problems.push('no NVIDIA driver is loaded (no /proc/driver/nvidia/version, no libcuda.so.1)');
  if (driver?.enough === false)
    problems.push(`the NVIDIA driver is ${driver.version}, and CUDA ${cuda} needs ${DRIVER[cuda ?? 0]} or newer`);
  return {
    ready: problems.length === 0,
    folder,
    cuda,
    absent: folder === undefined ? [] : absent,
    lacks: walk.lacks,
    driver,
    problems,
  };
}

/** Walks from the providers through all dependencies, visiting each library once. */
class Walk {
  readonly lacks: Lack[] = [];
  /** Deduced from names that exist in only one version of CUDA. */
  cuda: number | undefined;
  readonly #loader: Loader;
  readonly #seen = new Set<string>();

  constructor(loader: Loader) {
    this.#loader = loader;
  }

  enter(path: string): void {
    try {
      this.#follow(path, readElf(path));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.lacks.push({ file: basename(path), neededBy: 'onnxruntime-node', broken: { path, why }, others: [] });
    }
  }

  #follow(path: string, elf: Elf): void {
    for (const file of elf.needed) {
      if (this.#seen.has(file)) continue;
      this.#seen.add(file);
      this.cuda ??= numberIn(/^lib(?:cudart|cublas|cublasLt)\.so\.(\d+)$/, file);
      const lookup = this.#loader.find(file, { path, elf });
      if (lookup.state === 'found') this.#follow(lookup.path, lookup.elf);
      else
        this.lacks.push({
          file,
          neededBy: basename(path),
          ...partOf(file),
          ...(lookup.state === 'broken' ? { broken: { path: lookup.path, why: lookup.why } } : {}),
          others: lookup.state === 'broken' ? [] : this.#loader.others(file),
        });
    }
  }
}

function numberIn(pattern: RegExp, text: string): number | undefined {
  const digits = pattern.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function partOf(file: string): { partOf?: string } {
  for (const [pattern, name] of PARTS) {
    const version = pattern.exec(file)?.[1];
    if (version !== undefined) return { partOf: name(version) };
  }
  return {};
}

function lineOf({ file, neededBy, partOf: part, broken, others }: Lack): string {
  const what = `${file}${part === undefined ? '' : ` (${part})`}, which ${neededBy} needs,`;
  if (broken) return `${what} is broken: ${broken.path}: ${broken.why}`;
  const same = others.filter((path) => basename(path) === file);
  if (same.length > 0)
    return (
      `${what} is not where the loader looks, but at ${same.join(', ')}: add that folder to ` +
      'LD_LIBRARY_PATH or ldconfig'
    );
  return `${what} is missing${others.length === 0 ? '' : `; another version was found: ${others.join(', ')}`}`;
}

/** Version of the loaded kernel module. */
function driverOf(file: string, cuda: number | undefined): CudaReport['driver'] {
  try {
    const version = /^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s/m.exec(readFileSync(file, 'utf8'))?.[1];
    if (version === undefined) return undefined;
    const least = cuda === undefined ? undefined : DRIVER[cuda];
    return { version, enough: least === undefined ? undefined : atLeast(version, least) };
  } catch {
    return undefined;
  }
}

function atLeast(version: string, least: string): boolean {
  const [ours, theirs] = [version, least].map((text) => text.split('.').map(Number));
  for (const [i, part] of (theirs ?? []).entries()) if ((ours?.[i] ?? 0) !== part) return (ours?.[i] ?? 0) > part;
  return true;
}
