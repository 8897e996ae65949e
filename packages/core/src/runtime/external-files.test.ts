// External data of a model: which addresses a location resolves to, how long files must be (against files that the
// codec writes), and progress over all of them.
import { describe, expect, test } from 'vitest';
import { encodeModel, externalizeModel, GraphBuilder } from '../onnx.js';
import { checkExternalSizes, externalAddress, ManyFiles, type FileProgress } from './external-files.js';
import { externalFiles, externalLocations } from './skim.js';

const { URL } = globalThis as unknown as { URL: new (text: string) => { href: string } }; // core has no such type
const MODEL = 'https://host.example/models/v1/model.onnx?token=a/b#top';

describe('an address', () => {
  test.each([
    ['weights.bin', 'weights.bin'],
    ['./parts/a b.bin', 'parts/a%20b.bin'],
    ['%2e%2e/x?y#z', '%252e%252e/x%3Fy%23z'],
    ['x/a:b@c', 'x/a%3Ab%40c'],
    ['http:x', 'http%3Ax'],
  ])('of %j is in the model’s folder', (location, name) => {
    const address = externalAddress(MODEL, location);
    expect(address).toBe(`https://host.example/models/v1/${name}`);
    expect(new URL(address).href).toBe(address); // a parser finds nothing to resolve in it
  });

  test.each([
    // Firebase and Google Cloud Storage: the whole path is one URL segment, and the query asks for the bytes.
    [
      'https://host.example/v0/b/x/o/models%2Fv1%2Fg.onnx?alt=media',
      'https://host.example/v0/b/x/o/models%2Fv1%2Fw.bin?alt=media',
    ],
    ['https://host.example/a%2Fb/g.onnx', 'https://host.example/a%2Fb/w.bin'],
    ['https://host.example/my%20models/g.onnx#top', 'https://host.example/my%20models/w.bin'],
  ])('beside %s', (model, beside) => {
    expect(externalAddress(model, 'w.bin')).toBe(beside);
  });

  test.each([
    '',
    '.',
    '..',
    '../x',
    'a/../../x',
    'a\\..\\..\\x',
    '/x',
    '//other.example/x',
    '\\\\other\\x',
    'C:\\x',
    'a/',
    'a//b',
    'a\0b',
    'https://other.example/x',
  ])('of %j is refused', (location) => {
    expect(() => externalAddress(MODEL, location)).toThrow(expect.objectContaining({ code: 'model.format' }) as Error);
  });
});

test('the minimum length of each file follows from the model, with explicit lengths and without', () => {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', [300]);
  g.output(
    'y',
    g.op('Add', [
      g.op('Add', [x, g.constant('float32', [300], new Float32Array(300), 'a')]),
      g.constant('float32', [300], new Float32Array(300).fill(2), 'b'),
    ]),
  );
  const { model, external } = externalizeModel(g.build(), { least: 0, location: 'w.bin' });
  const file = external.get('w.bin')!;
  const bytes = encodeModel(model);
  expect(externalFiles(bytes)).toEqual(new Map([['w.bin', file.length]]));
  for (const tensor of model.graph!.initializers)
    tensor.externalData = tensor.externalData.filter(({ key }) => key !== 'length');
  const without = encodeModel(model);
  expect(externalFiles(without)).toEqual(new Map([['w.bin', file.length]])); // by type and dims
  expect(externalLocations(without)).toEqual(['w.bin']);
  const least = externalFiles(bytes);
  checkExternalSizes('m', least, external);
  expect(() => checkExternalSizes('m', least, new Map([['w.bin', file.subarray(1)]]))).toThrow(
    expect.objectContaining({ code: 'model.truncated' }) as Error,
  );
});

test('progress over files increases to the sum, with the known totals', () => {
  const told: FileProgress[] = [];
  const files = new ManyFiles<FileProgress>((progress) => told.push(progress));
  const model = files.add();
  model({ loaded: 5, total: 10 });
  model({ loaded: 10, total: 10 });
  const [first, second] = [files.add(100), files.add(50)];
  first({ loaded: 60, total: 100 });
  first({ loaded: 30, total: 100 }); // restarted
  first({ loaded: 100, total: 100 });
  second({ loaded: 20 }); // compressed: total unknown
  second({ loaded: 55, total: 55 });
  expect(told).toEqual([
    { loaded: 5, total: 10 },
    { loaded: 10, total: 10 },
    { loaded: 70, total: 160 },
    { loaded: 70, total: 160 },
    { loaded: 110, total: 160 },
    { loaded: 130 },
    { loaded: 165, total: 165 },
  ]);
});
