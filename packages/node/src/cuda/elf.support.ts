// Makes fake shared libraries that the loader accepts, for tests: an ELF header, program headers, a dynamic section and
// names, without code. Not part of the package.

/** The contents of the dynamic section. */
export interface FakeLibrary {
  needed?: readonly string[];
  soname?: string;
  runpath?: string;
  /** Default 62, x86-64. */
  machine?: number;
}

/** The bytes of a 64-bit shared library. */
export function fakeLibrary({ needed = [], soname, runpath, machine = 62 }: FakeLibrary = {}): Buffer {
  const names: Buffer[] = [Buffer.from([0])];
  let length = 1;
  const name = (text: string): number => {
    const at = length;
    const bytes = Buffer.from(`${text}\0`);
    names.push(bytes);
    length += bytes.length;
    return at;
  };
  const tags: [number, number][] = needed.map((file) => [1, name(file)]);
  if (soname !== undefined) tags.push([14, name(soname)]);
  if (runpath !== undefined) tags.push([29, name(runpath)]);
  // The loader requires a symbol table and a hash table, even if empty.
  const dynamicAt = 64 + 3 * 56;
  const entries = tags.length + 6;
  const symbolsAt = dynamicAt + entries * 16;
  const hashAt = symbolsAt + 24;
  const namesAt = hashAt + 16;
  tags.push([5, namesAt], [10, length], [6, symbolsAt], [11, 24], [4, hashAt], [0, 0]);
  const file = Buffer.alloc(namesAt + length);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(3, 16);
  file.writeUInt16LE(machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(64n, 32);
  for (const [value, at] of [
    [64, 52],
    [56, 54],
    [3, 56],
  ] as const)
    file.writeUInt16LE(value, at);
  const segment = (i: number, type: number, offset: number, size: number, flags: number, align: number): void => {
    const at = 64 + i * 56;
    file.writeUInt32LE(type, at);
    file.writeUInt32LE(flags, at + 4);
    for (const [j, value] of [offset, offset, offset, size, size, align].entries())
      file.writeBigUInt64LE(BigInt(value), at + 8 + 8 * j);
  };
  segment(0, 1, 0, file.length, 6, 4096);
  segment(1, 2, dynamicAt, entries * 16, 6, 8);
  // PT_GNU_STACK: without it the loader requests an executable stack, which may be forbidden
  segment(2, 0x6474e551, 0, 0, 6, 16);
  for (const [i, [tag, value]] of tags.entries()) {
    file.writeBigUInt64LE(BigInt(tag), dynamicAt + i * 16);
    file.writeBigUInt64LE(BigInt(value), dynamicAt + i * 16 + 8);
  }
  file.writeUInt32LE(1, hashAt);
  file.writeUInt32LE(1, hashAt + 4);
  file.set(Buffer.concat(names), namesAt);
  return file;
}
