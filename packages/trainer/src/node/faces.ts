// The data set `faces`: pixel-art avatars by DiceBear, drawn from seeds, with attributes and captions. Rendered once
// per size and count, then read from the cache. Users install the packages.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ForjaError } from '@forja/core';
import { arrayDataset } from '../data/arrays.js';
import { tokenizer, vocabularyOf } from '../data/captions.js';
import type { ResolvedDataConfig } from '../data/config.js';
import type { Dataset } from '../data/dataset.js';
import { isHeldOut } from '../data/split.js';
import { defaultCache, readRecord, writeRecord } from './picture-cache.js';

type FacesConfig = Extract<ResolvedDataConfig, { kind: 'faces' }>;

/** The parts of the packages that are used. */
interface Packages {
  createAvatar(style: unknown, options: object): { toString(): string; toJson(): { extra: Record<string, unknown> } };
  style: unknown;
  render(svg: string, size: number): Uint8Array;
  /** Versions, on which the pictures depend. */
  versions: string;
}

/** Probability of each part in percent; more balanced than the style's defaults. */
const DRAWN = {
  glassesProbability: 30,
  hatProbability: 15,
  beardProbability: 15,
  accessoriesProbability: 15,
  backgroundColor: ['ffffff'],
};

/** Words for the style's colours. */
const HAIR: Readonly<Record<string, string>> = {
  cab188: 'blond',
  a78961: 'blond',
  '603a14': 'brown',
  '83623b': 'brown',
  '603015': 'brown',
  '611c17': 'auburn',
  '612616': 'auburn',
  '28150a': 'black',
  '009bbd': 'blue',
  bd1700: 'red',
  '91cb15': 'green',
};
const CLOTHES: Readonly<Record<string, string>> = {
  '5bc0de': 'blue',
  '428bca': 'blue',
  '03396c': 'blue',
  '88d8b0': 'green',
  '44c585': 'green',
  '00b159': 'green',
  ff6f69: 'red',
  d11141: 'red',
  ae0001: 'red',
  ffeead: 'yellow',
  ffd969: 'yellow',
  ffc425: 'yellow',
};

type Parts = Readonly<Record<string, unknown>>;

const text = (part: unknown): string => (typeof part === 'string' ? part : '');
const colour = (words: Readonly<Record<string, string>>, part: unknown): string =>
  words[text(part).replace('#', '').toLowerCase()] ?? 'other';
/** `name` if the part is drawn, else `no <name>`. */
const worn = (part: unknown, name: string): string => (text(part) === '' ? `no ${name}` : name);

/** Attributes of a face: their classes, and the class of an avatar's parts. */
const ATTRIBUTES: Readonly<Record<string, { classes: readonly string[]; of: (parts: Parts) => string }>> = {
  hair: {
    classes: ['black', 'brown', 'auburn', 'blond', 'red', 'blue', 'green', 'other'],
    of: ({ hairColor }) => colour(HAIR, hairColor),
  },
  length: { classes: ['short', 'long'], of: ({ hair }) => (text(hair).startsWith('long') ? 'long' : 'short') },
  glasses: {
    classes: ['no glasses', 'glasses', 'sunglasses'],
    of: ({ glasses }) => (text(glasses).startsWith('dark') ? 'sunglasses' : worn(glasses, 'glasses')),
  },
  hat: { classes: ['no hat', 'hat'], of: ({ hat }) => worn(hat, 'hat') },
  beard: { classes: ['no beard', 'beard'], of: ({ beard }) => worn(beard, 'beard') },
  mouth: { classes: ['smiling', 'sad'], of: ({ mouth }) => (text(mouth).startsWith('sad') ? 'sad' : 'smiling') },
  clothes: {
    classes: ['blue', 'green', 'red', 'yellow', 'other'],
    of: ({ clothingColor }) => colour(CLOTHES, clothingColor),
  },
};
const NAMES = Object.keys(ATTRIBUTES);
/** Maximum number of words of a caption. */
const WORDS = 12;

/** A caption made from classes, such as "long brown hair, glasses, beard, smiling, green clothes". */
function captionOf(classes: readonly string[]): string {
  const [hair = '', length = '', glasses = '', hat = '', beard = '', mouth = '', clothes = ''] = classes;
  const things = [glasses, hat, beard].filter((thing) => !thing.startsWith('no '));
  return [`${length} ${hair} hair`, ...things, mouth, `${clothes} clothes`].join(', ');
}

/**
 * Fields: `image` [size, size, 3], `label` (hair colour), one field per attribute, and `text`, a caption.
 * Combinations of attributes are held out, not single faces.
 * @throws ForjaError `data.notFound` naming the packages that are missing.
 */
export async function facesDataset(
  { count, seed, holdout }: FacesConfig,
  size: number,
  cwd: string,
  cache = defaultCache(),
): Promise<Dataset> {
  const packages = await packagesFrom(cwd);
  const { pixels, classes } = await drawn(packages, { count, seed, size }, cache);
  const face = size * size * 3;
  const rows = Array.from({ length: count }, (_, i) => {
    const numbers = classes.subarray(i * NAMES.length, (i + 1) * NAMES.length);
    const own = NAMES.map((name, k) => ATTRIBUTES[name]?.classes[numbers[k] ?? 0] ?? '');
    return { i, numbers, caption: captionOf(own) };
  });
  const vocabulary = vocabularyOf(
    rows.map(({ caption }) => caption),
    1000,
  );
  const tokens = tokenizer(vocabulary, WORDS);
  const dataset = (name: string, of: typeof rows, rest: { holdout?: Dataset } = {}): Dataset => {
    const image = new Uint8Array(of.length * face);
    const ids = new Int32Array(of.length * WORDS);
    of.forEach(({ i, caption }, row) => {
      image.set(pixels.subarray(i * face, (i + 1) * face), row * face);
      ids.set(tokens(caption), row * WORDS);
    });
    const attribute = (k: number) => ({
      data: Int32Array.from(of, ({ numbers }) => numbers[k] ?? 0),
      classes: ATTRIBUTES[NAMES[k] ?? '']?.classes ?? [],
    });
    return arrayDataset({
      name,
      license: 'CC0 1.0',
      credit: 'Pixel Art by DiceBear',
      fields: {
        image: { data: image, shape: [size, size, 3] },
        label: attribute(0),
        ...Object.fromEntries(NAMES.map((key, k) => [key, attribute(k)])),
        text: { data: ids, shape: [WORDS], vocabulary },
      },
      ...rest,
    });
  };
  const [held, kept] = [true, false].map((side) =>
    rows.filter(({ caption }) => isHeldOut(caption, holdout) === side),
  ) as [typeof rows, typeof rows];
  return dataset('faces', kept, held.length > 0 ? { holdout: dataset('faces, held out', held) } : {});
}

/** Pixels and classes of all faces, from the cache or drawn now. */
async function drawn(
  { createAvatar, style, render, versions }: Packages,
  { count, seed, size }: { count: number; seed: number; size: number },
  cache: string,
): Promise<{ pixels: Uint8Array; classes: Uint8Array }> {
  const face = size * size * 3;
  const what = JSON.stringify(['faces', 1, versions, DRAWN, ATTRIBUTES, HAIR, CLOTHES, count, seed, size]);
  const key = createHash('sha256').update(what).digest('hex');
  const length = count * (face + NAMES.length);
  const cached = await readRecord(cache, key, length);
  const record = cached ?? new Uint8Array(length);
  const [pixels, classes] = [record.subarray(0, count * face), record.subarray(count * face)];
  if (cached !== undefined) return { pixels, classes };
  for (let i = 0; i < count; i++) {
    const avatar = createAvatar(style, { ...DRAWN, seed: `${seed}/${i}` });
    const rgba = render(avatar.toString(), size);
    for (let p = 0; p < size * size; p++) pixels.set(rgba.subarray(4 * p, 4 * p + 3), i * face + 3 * p);
    const { extra } = avatar.toJson();
    NAMES.forEach((name, k) => {
      const { classes: known = [], of = () => '' } = ATTRIBUTES[name] ?? {};
      classes[i * NAMES.length + k] = Math.max(0, known.indexOf(of(extra)));
    });
    if (i % 64 === 63) await new Promise((resolve) => setImmediate(resolve)); // so that Ctrl-C works
  }
  await writeRecord(cache, key, record);
  return { pixels, classes };
}

const PACKAGES = ['@dicebear/core', '@dicebear/pixel-art', '@resvg/resvg-js'] as const;

async function packagesFrom(cwd: string): Promise<Packages> {
  const require = createRequire(join(cwd, 'package.json'));
  const found = await Promise.all(
    PACKAGES.map(async (name) => {
      try {
        return (await import(pathToFileURL(require.resolve(name)).href)) as Record<string, unknown>;
      } catch (cause) {
        throw new ForjaError(
          'data.notFound',
          `data: expected the npm packages ${PACKAGES.join(', ')} for faces, got no ${name} from ${cwd}; npm ` +
            `install ${PACKAGES.join(' ')}`,
          { cause },
        );
      }
    }),
  );
  const [core, style, resvg] = found as [
    Pick<Packages, 'createAvatar'>,
    unknown,
    { Resvg: new (svg: string, options: object) => { render(): { pixels: Uint8Array } } },
  ];
  return {
    createAvatar: core.createAvatar,
    style,
    render: (svg, size) =>
      new resvg.Resvg(svg, { fitTo: { mode: 'width', value: size }, font: { loadSystemFonts: false } }).render().pixels,
    versions: createHash('sha256')
      .update(core.createAvatar(style, { ...DRAWN, seed: 'version' }).toString())
      .digest('hex'),
  };
}
