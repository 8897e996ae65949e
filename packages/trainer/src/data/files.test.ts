// A page's files give the same dataset as the folder in Node. Decoding in a page is tested in tests/browser.
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { readFields } from './fields.js';
import { filesDataset, type PageFile } from './files.js';
import { pageDecoder } from './page-decoder.js';

const fileOf = (path: string, content: string | Uint8Array): PageFile => {
  const file = new File([content as string], path.split('/').at(-1) ?? '');
  Object.defineProperty(file, 'webkitRelativePath', { value: `picked/${path}` });
  return file;
};
const grey = (path: string, values: number[]): PageFile =>
  fileOf(path, encode({ width: values.length, height: 1, channels: 1, data: Uint8Array.from(values) }));
const bytes = (values: ArrayLike<number> | undefined): number[] =>
  Array.from(values ?? [], (v) => Math.round((v + 1) * 127.5));

describe('filesDataset', () => {
  it('finds classes, sorted by name', async () => {
    const set = await filesDataset([grey('dog/2.png', [2]), grey('cat/1.png', [1]), grey('.x/3.png', [3])], {
      kind: 'folder',
    });
    const { image, label } = await readFields(set, [0, 1]);
    expect([bytes(image), label, set.fields['label']?.classes]).toEqual([[1, 2], Int32Array.of(0, 1), ['cat', 'dog']]);
  });

  it('finds pairs, halves, domains and captions', async () => {
    const pairs = await filesDataset([grey('input/a.png', [1]), grey('target/a.png', [2])], { kind: 'pairs' });
    expect(bytes((await readFields(pairs, [0])).target)).toEqual([2]);
    const halves = await filesDataset([grey('a.png', [1, 2, 3, 4])], { kind: 'side-by-side', flip: true });
    expect(bytes((await readFields(halves, [0, 1])).target)).toEqual([3, 4, 4, 3]);
    const domains = await filesDataset([grey('a/1.png', [1]), grey('b/x/1.png', [1])], { kind: 'domains' });
    expect(domains.parts).toEqual({ a: 1, b: 1 });
    const texts = await filesDataset([grey('1.png', [1]), fileOf('1.txt', 'one bird')], { kind: 'captions', words: 2 });
    expect((await readFields(texts, [0], ['text'])).text).toEqual(Int32Array.of(2, 1));
  });

  it('takes plain files, decodes other formats with `decode`, and lists unreadable files', async () => {
    const files = [new File(['jpeg'], 'a.jpg'), new File(['x'], 'b.png')];
    const decode = (content: Uint8Array): { width: number; height: number; channels: number; data: Uint8Array } => {
      if (content.length < 4) throw new Error('no picture');
      return { width: 1, height: 1, channels: 4, data: Uint8Array.of(5, 5, 5, 255) };
    };
    const set = await filesDataset(files, { kind: 'folder' }, { decode });
    expect([set.fields['image']?.shape, set.skipped?.map(({ file }) => file)]).toEqual([[1, 1, 1], ['b.png']]);
    await expect(filesDataset(files, { kind: 'folder' })).rejects.toMatchObject({ code: 'data.decoder' });
    await expect(filesDataset(files, { kind: 'folder' }, { decode, memory: 0 })).rejects.toMatchObject({
      code: 'data.size',
    });
    await expect(filesDataset([], { kind: 'folder' })).rejects.toMatchObject({ code: 'data.empty' });
    expect(() => pageDecoder()).toThrow(expect.objectContaining({ code: 'data.decoder' }) as Error);
  });
});
