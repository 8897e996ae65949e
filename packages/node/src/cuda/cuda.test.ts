// Detection of what is missing for CUDA: real libraries against Node's list of loaded ones, fake ones in a temporary
// folder, and the command with an onnxruntime-node whose providers are damaged.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { projectOf, smallGenerator, type Project } from '../../vitest.support.js';
import { adviceFor } from './advice.js';
import { fakeLibrary, type FakeLibrary } from './elf.support.js';
import { readElf } from './elf.js';
import { inspectCuda, isSound, nativeFolder, type CudaReport } from './inspect.js';
import { Loader, readCache } from './loader.js';

const linux = process.platform === 'linux' && process.arch === 'x64';
if (!linux) console.log(`skipped: reading libraries of Linux x86-64, on ${process.platform}-${process.arch}`);
const root = mkdtempSync(join(tmpdir(), 'forja-cuda-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folder: string;
let libraries: string;
let driver: string;
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
  libraries = join(folder, 'lib');
  driver = join(folder, 'version');
  mkdirSync(libraries, { recursive: true });
});

const writeLibrary = (name: string, what: FakeLibrary | string | Buffer): void =>
  writeFileSync(join(folder, name), typeof what === 'string' || Buffer.isBuffer(what) ? what : fakeLibrary(what));
const CUDA = 'libonnxruntime_providers_cuda.so';
const SHARED = 'libonnxruntime_providers_shared.so';
/** Writes everything that CUDA needs. */
function completeMachine(): void {
  writeLibrary(SHARED, {});
  writeLibrary(CUDA, {
    needed: ['libcublas.so.12', 'libcudart.so.12', 'libcudnn.so.9', 'libcufft.so.11', SHARED],
    runpath: '$ORIGIN',
  });
  for (const name of ['libcudart.so.12', 'libcudnn.so.9', 'libcufft.so.11', 'libcublasLt.so.12', 'libcuda.so.1'])
    writeLibrary(`lib/${name}`, { soname: name });
  writeLibrary('lib/libcublas.so.12', { needed: ['libcublasLt.so.12'] });
  writeFileSync(
    driver,
    'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (builder@host)\nGCC version:  gcc version 12.2.0\n',
  );
}
const inspect = (): CudaReport =>
  inspectCuda({ folder, path: libraries, cache: join(folder, 'no-cache'), folders: [], driver });

describe.runIf(linux)('real libraries', () => {
  test('what the native binding needs is found where the loader found it', async () => {
    await import('onnxruntime-node');
    // Node's own list of what is mapped into this process.
    const loaded = new Set(
      (process.report.getReport() as unknown as { sharedObjects: string[] }).sharedObjects
        .filter(existsSync)
        .map((path) => realpathSync(path)),
    );
    const path = join(nativeFolder() ?? '', 'libonnxruntime.so.1');
    const elf = readElf(path);
    expect(elf).toMatchObject({ bits: 64, machine: 62, soname: 'libonnxruntime.so.1', runpath: ['$ORIGIN'] });
    expect(elf.needed).toEqual(expect.arrayContaining(['libstdc++.so.6', 'libm.so.6', 'libc.so.6']));
    const loader = new Loader();
    for (const name of elf.needed) {
      const found = loader.find(name, { path, elf });
      expect(found.state, name).toBe('found');
      if (found.state === 'found') expect(loaded, name).toContain(realpathSync(found.path));
    }
  });

  test('ldconfig lists the same names', () => {
    const { stdout, error } = spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' });
    if (error) return console.log('skipped: no ldconfig to compare with');
    const listed = [...stdout.matchAll(/^\t(\S+) \(.*\) => (.+)$/gm)].map(([, name, path]) => `${name} ${path}`);
    expect(
      [...readCache('/etc/ld.so.cache')].flatMap(([name, paths]) => paths.map((path) => `${name} ${path}`)).sort(),
    ).toEqual(listed.sort());
    expect(listed.length).toBeGreaterThan(0);
  });
});

describe('what is missing', () => {
  test('nothing, if everything exists', () => {
    completeMachine();
    expect(inspect()).toEqual({
      ready: true,
      folder,
      cuda: 12,
      absent: [],
      lacks: [],
      driver: { version: '570.86.15', enough: true },
      problems: [],
    });
    expect(adviceFor(inspect())).toEqual([]);
  });

  test('the providers, which the install script fetches', () => {
    const report = inspect();
    expect(report).toMatchObject({ ready: false, absent: [CUDA, SHARED] });
    expect(report.problems).toEqual([
      expect.stringContaining(`${CUDA} and ${SHARED} are missing in onnxruntime-node's folder`),
      expect.stringContaining('no NVIDIA driver is loaded'),
    ]);
    const [fetch, install] = adviceFor(report);
    expect(fetch?.commands).toEqual({
      npm: 'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node',
      pnpm: 'pnpm add --allow-build=onnxruntime-node onnxruntime-node && ONNXRUNTIME_NODE_INSTALL=cuda12 pnpm rebuild onnxruntime-node',
    });
    expect(install?.what).toMatch(/driver for CUDA 12/);
  });

  test('each library by its file, including indirect dependencies', () => {
    completeMachine();
    for (const name of ['libcudnn.so.9', 'libcublasLt.so.12', 'libcufft.so.11']) rmSync(join(libraries, name));
    const report = inspect();
    expect(report.lacks.map(({ file, neededBy, partOf }) => [file, neededBy, partOf])).toEqual([
      ['libcublasLt.so.12', 'libcublas.so.12', 'CUDA 12'],
      ['libcudnn.so.9', CUDA, 'cuDNN 9'],
      ['libcufft.so.11', CUDA, 'CUDA'],
    ]);
    expect(report.problems[1]).toBe(`libcudnn.so.9 (cuDNN 9), which ${CUDA} needs, is missing`);
    expect(isSound(report)).toBe(true);
    expect(adviceFor(report)).toEqual([
      {
        what: "install CUDA 12's libraries; other versions may stay installed",
        commands: {
          "Debian, Ubuntu, from NVIDIA's repository": "sudo apt install 'cuda-libraries-12-*' 'libcudnn9-cuda-12'",
        },
      },
    ]);
  });

  test('libraries of another CUDA version are named', () => {
    completeMachine();
    for (const name of ['libcudart.so', 'libcublas.so', 'libcublasLt.so']) {
      rmSync(join(libraries, `${name}.12`));
      writeLibrary(`lib/${name}.13`, {});
    }
    const { problems } = inspect();
    expect(problems).toHaveLength(2);
    expect(problems[1]).toBe(
      `libcudart.so.12 (CUDA 12), which ${CUDA} needs, is missing; another version was found: ` +
        `${join(libraries, 'libcudart.so.13')}`,
    );
  });

  test('a library for another machine does not count', () => {
    completeMachine();
    writeLibrary('lib/libcudnn.so.9', { machine: 183 });
    expect(inspect().problems).toEqual([
      `libcudnn.so.9 (cuDNN 9), which ${CUDA} needs, is not where the loader looks, but at ` +
        `${join(libraries, 'libcudnn.so.9')}: add that folder to LD_LIBRARY_PATH or ldconfig`,
    ]);
  });

  test('a driver that is too old', () => {
    completeMachine();
    writeFileSync(driver, 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.256.02  Thu May  2 14:37:44 UTC 2024\n');
    expect(inspect().problems).toEqual(['the NVIDIA driver is 470.256.02, and CUDA 12 needs 525.60.13 or newer']);
    expect(adviceFor(inspect())[0]?.what).toMatch(/driver for CUDA 12/);
  });

  test('a missing driver is accepted if its library exists, as under WSL', () => {
    completeMachine();
    rmSync(driver);
    expect(inspect()).toMatchObject({ ready: true, driver: undefined });
  });
});

describe('broken files are reported, and never loaded', () => {
  const good = fakeLibrary({ needed: ['libcudart.so.12'], runpath: '$ORIGIN' });
  const damaged: [string, Buffer, RegExp][] = [
    ['empty', Buffer.alloc(0), /no ELF file/],
    ['garbage', Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 37 + 11) % 251)), /no ELF file/],
    ['a web page', Buffer.from('<!doctype html><html><body>404</body></html>'), /no ELF file/],
    ['cut off', good.subarray(0, good.length - 5), /cut off/],
    ['cut off in its header', good.subarray(0, 40), /cut off/],
    ['big-endian', Buffer.from(good.map((byte, i) => (i === 5 ? 2 : byte))), /little-endian/],
    ['an executable', Buffer.from(good.map((byte, i) => (i === 16 ? 2 : byte))), /no shared library/],
    ['with its table elsewhere', Buffer.from(good.map((byte, i) => (i >= 36 && i < 40 ? 255 : byte))), /cut off/],
  ];
  test.each(damaged)('%s, in place of the provider and of a library', (_, bytes, why) => {
    completeMachine();
    writeLibrary('lib/libcudnn.so.9', bytes);
    expect(inspect().lacks).toEqual([
      {
        file: 'libcudnn.so.9',
        neededBy: CUDA,
        partOf: 'cuDNN 9',
        broken: { path: join(libraries, 'libcudnn.so.9'), why: expect.stringMatching(why) as unknown },
        others: [],
      },
    ]);
    expect(isSound(inspect())).toBe(false);
    writeLibrary(CUDA, bytes);
    expect(inspect().lacks).toMatchObject([{ file: CUDA, neededBy: 'onnxruntime-node' }]);
  });

  test('every changed byte is reported', () => {
    completeMachine();
    for (let at = 0; at < good.length; at++) {
      writeLibrary(CUDA, Buffer.from(good.map((byte, i) => (i === at ? byte ^ 255 : byte))));
      expect(Array.isArray(inspect().problems)).toBe(true);
    }
  });
});

describe.runIf(linux)('the command and the ladder, over an onnxruntime-node of its own', () => {
  const project = async (files: Record<string, FakeLibrary | Buffer>): Promise<Project> =>
    projectOf(folder, {
      native: Object.fromEntries(
        Object.entries(files).map(([name, what]) => [name, Buffer.isBuffer(what) ? what : fakeLibrary(what)]),
      ),
    });

  test('garbage as provider: no crash, the file is named, the CPU works', async () => {
    const run = await project({ [CUDA]: Buffer.from('garbage'.repeat(1000)), [SHARED]: {} });
    const { status, signal, result } = run(['doctor']);
    expect([status, signal]).toEqual([0, null]);
    const devices = result['devices'] as { device: string; works: boolean; reason?: string }[];
    expect(devices.find(({ device }) => device === 'cpu')).toMatchObject({ works: true });
    expect(devices.find(({ device }) => device === 'cuda')).toMatchObject({
      works: false,
      reason: expect.stringContaining(`${CUDA}, which onnxruntime-node needs, is broken`) as unknown,
    });
    expect(result['cuda']).toMatchObject({
      ready: false,
      advice: expect.arrayContaining([
        expect.objectContaining({ what: expect.stringContaining("fetch onnxruntime's CUDA libraries") as unknown }),
      ]) as unknown,
    });
  });

  test.each<[string, Record<string, FakeLibrary>, RegExp]>([
    [
      'libraries are missing',
      { [CUDA]: { needed: ['libcudart.so.12', 'libcudnn.so.9'] }, [SHARED]: {} },
      /libcudart\.so\.12 \(CUDA 12\).*is missing.*libcudnn\.so\.9/,
    ],
    ['the provider is empty', { [CUDA]: {}, [SHARED]: {} }, /no NVIDIA driver is loaded/],
  ])('asked for by name where %s: tried, and refused with the names', async (_, files, reason) => {
    const run = await project(files);
    const model = join(folder, 'model.onnx');
    writeFileSync(model, smallGenerator());
    const refused = run(['sample', model, '-o', join(folder, 'a.png'), '--device', 'cuda']);
    expect([refused.status, refused.signal]).toEqual([1, null]);
    expect(refused.result).toMatchObject({
      error: { code: 'device.unavailable', message: expect.stringMatching(reason) as unknown },
    });
    const taken = run(['sample', model, '-o', join(folder, 'a.png')]);
    expect(taken).toMatchObject({
      status: 0,
      result: { device: { actual: 'cpu', reasons: [expect.stringMatching(reason)] } },
    });
  });
});
