// Reads the dependencies of a Linux shared library from its dynamic section. Nothing is loaded, so a broken file does
// no harm.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The parts of a shared library's dynamic section that are needed to find its dependencies. */
export interface Elf {
  /** 32 or 64 bits, and ELF's number of the machine: the loader skips libraries in which either differs. */
  bits: 32 | 64;
  machine: number;
  soname: string | undefined;
  /** DT_NEEDED, in order. */
  needed: string[];
  /** DT_RUNPATH, else DT_RPATH; `$ORIGIN` is not expanded. */
  runpath: string[];
}

/** Tags of the dynamic section (System V ABI, "Dynamic Section"). */
const [NULL, NEEDED, STRTAB, SONAME, RPATH, RUNPATH] = [0, 1, 5, 14, 15, 29];
const [LOAD, DYNAMIC] = [1, 2];
/** Maximum length of a name. */
const LONGEST_NAME = 4096;

/** Reads `path`. Throws an Error that says briefly why it is not a loadable shared library. */
export function readElf(path: string): Elf {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    return parse((at, length) => {
      if (!(at >= 0 && at + length <= size))
        throw new Error(`cut off: ${size} bytes, expected at least ${at + length}`);
      const bytes = Buffer.alloc(length);
      readSync(file, bytes, 0, length, at);
      return bytes;
    }, size);
  } finally {
    closeSync(file);
  }
}

type Read = (at: number, length: number) => Buffer;

function parse(read: Read, size: number): Elf {
  if (size < 20 || read(0, 4).toString('latin1') !== '\x7fELF') throw new Error('no ELF file');
  const ident = read(0, 20);
  const bits = ident[4] === 2 ? 64 : ident[4] === 1 ? 32 : undefined;
  if (bits === undefined || ident[5] !== 1) throw new Error('not a little-endian ELF file');
  if (ident.readUInt16LE(16) !== 3) throw new Error('no shared library');
  const wide = bits === 64;
  const word = (bytes: Buffer, at: number): number =>
    wide ? Number(bytes.readBigUInt64LE(at)) : bytes.readUInt32LE(at);
  const header = read(0, wide ? 64 : 52);
  const [table, each, count] = [
    word(header, wide ? 32 : 28),
    header.readUInt16LE(wide ? 54 : 42),
    header.readUInt16LE(wide ? 56 : 44),
  ];
  if (each < (wide ? 56 : 32)) throw new Error('its program headers are missing or too short');
  const segments = Array.from({ length: count }, (_, i) => {
    const entry = read(table + i * each, each);
    return {
      type: entry.readUInt32LE(0),
      offset: word(entry, wide ? 8 : 4),
      address: word(entry, wide ? 16 : 8),
      length: word(entry, wide ? 32 : 16),
    };
  });
  for (const { type, offset, length } of segments)
    if (type === LOAD && offset + length > size)
      throw new Error(`cut off: ${size} bytes, expected at least ${offset + length}`);
  const place = segments.find(({ type }) => type === DYNAMIC);
  if (!place) throw new Error('no dynamic section');
  const dynamic = read(place.offset, place.length);
  const step = wide ? 16 : 8;
  const tags: [number, number][] = [];
  for (let at = 0; at + step <= dynamic.length; at += step) {
    const tag = word(dynamic, at);
    if (tag === NULL) break;
    tags.push([tag, word(dynamic, at + step / 2)]);
  }
  const address = tags.find(([tag]) => tag === STRTAB)?.[1];
  const home = segments.find(
    (segment) =>
      segment.type === LOAD &&
      address !== undefined &&
      address >= segment.address &&
      address < segment.address + segment.length,
  );
  if (address === undefined || !home) throw new Error('its dynamic section has no string table');
  const names = address - home.address + home.offset;
  const text = (offset: number): string => {
    const at = names + offset;
    const bytes = read(at, Math.max(0, Math.min(LONGEST_NAME, size - at)));
    const end = bytes.indexOf(0);
    if (end < 0) throw new Error('a name in its string table does not end');
    return bytes.toString('utf8', 0, end);
  };
  const texts = (wanted: number): string[] => tags.filter(([tag]) => tag === wanted).map(([, offset]) => text(offset));
  const paths = texts(RUNPATH).length > 0 ? texts(RUNPATH) : texts(RPATH);
  return {
    bits,
    machine: ident.readUInt16LE(18),
    soname: texts(SONAME)[0],
    needed: texts(NEEDED),
    runpath: paths.flatMap((path) => path.split(':')).filter(Boolean),
  };
}
