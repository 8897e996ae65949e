// Data sets by name, made of pictures in npm packages: which pictures, the holdout, licence and credit. One row per
// set; ../node/load-set.ts finds the packages, which users install.
import type { Ink } from './lines.js';
import type { SheetLayout } from './sheets.js';

/** What an example of emoji has besides its pictures. */
export type EmojiAnnotation = 'caption' | 'group';

/** An npm package with pictures. */
export interface SetPackage {
  name: string;
  /** Size on disk, for the message that says how to install it. */
  megabytes: number;
}

/** One file of a package as a region of a sheet, in fractions of the sheet's width and height. */
export interface SheetFile {
  package: string;
  path: string;
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Pictures in a package: one file per emoji, named by its code points. */
export interface EmojiFolder {
  package: string;
  path: string;
  ending: string;
  /** Use line drawings of the pictures, in this ink. */
  lines?: Ink;
}

/** Fields of every set. */
interface About {
  /** A few words, for help. */
  summary: string;
  packages: readonly SetPackage[];
  /** Licence of the pictures, not of the package. */
  license: string;
  credit: string;
  /** Default edge of the pictures. */
  size: number;
}

/** Tiles of large pictures. */
export interface SheetSet extends About {
  /** Files of each sheet, by name. */
  sheets: Readonly<Record<string, readonly SheetFile[]>>;
  layout: SheetLayout;
}

/**
 * Pictures of the emoji that are in all of these folders, by field; if there are two fields, they are also given
 * unpaired, as `a` and `b`.
 */
export interface EmojiSet extends About {
  emoji: Readonly<Record<string, EmojiFolder>>;
  /** What describes each emoji: a caption, the field `text`, or its group, the field `label`. */
  about?: { package: string; path: string; annotation: EmojiAnnotation };
}

/** A data set with a name. */
export type NamedSet = SheetSet | EmojiSet;

const THREE_GLOBE: SetPackage = { name: 'three-globe', megabytes: 25 };
const CESIUM: SetPackage = { name: '@cesium/engine', megabytes: 28 };

/** A whole sheet from one file. */
const globe = (file: string): SheetFile[] => [
  { package: THREE_GLOBE.name, path: `example/img/${file}`, left: 0, top: 0, width: 1, height: 1 },
];

/** Natural Earth II, level 2: 8 × 4 files, counted from the south. */
const painted: SheetFile[] = Array.from({ length: 32 }, (_, i) => ({
  package: CESIUM.name,
  path: `Source/Assets/Textures/NaturalEarthII/2/${i % 8}/${Math.floor(i / 8)}.jpg`,
  left: (i % 8) / 8,
  top: (3 - Math.floor(i / 8)) / 4,
  width: 1 / 8,
  height: 1 / 4,
}));

const NASA = 'NASA Earth Observatory (Blue Marble)';
const FREE = 'public domain (NASA), as far as is known: the package three-globe names neither source nor licence';

/**
 * Tiles on a map of the world with 180° W on the left. Each is inside one of 16 bands of longitude, between 72° N and
 * 57° S, and at least half land. Two bands are held out: 90° W to 67.5° W and 90° E to 112.5° E.
 */
const EARTH = {
  bands: 16,
  held: [4, 12],
  rows: [(90 - 72) / 180, (90 + 57) / 180],
  mask: { sheet: 'land', share: 0.5 },
} as const;

const NOTO: SetPackage = { name: 'emoji-datasource-google', megabytes: 82 };
const FLUENT: SetPackage = { name: '@lobehub/fluent-emoji-3d', megabytes: 25 };
const OPENMOJI: SetPackage = { name: 'openmoji', megabytes: 67 };

const noto: EmojiFolder = { package: NOTO.name, path: 'img/google/64', ending: '.png' };
/** Names, tags and groups of emoji. */
const TABLE = { package: NOTO.name, path: 'emoji.json' } as const;
const fluent: EmojiFolder = { package: FLUENT.name, path: 'assets', ending: '.webp' };
const drawn = (kind: 'black' | 'color'): EmojiFolder => ({
  package: OPENMOJI.name,
  path: `${kind}/svg`,
  ending: '.svg',
});

/** The sets. */
export const namedSets = {
  earth: {
    summary: 'the earth from above, in tiles (npm package three-globe)',
    packages: [THREE_GLOBE],
    license: FREE,
    credit: NASA,
    size: 64,
    sheets: { day: globe('earth-blue-marble.jpg'), land: globe('earth-water.png') },
    layout: { ...EARTH, width: 4096, height: 2048, fields: { image: 'day' } },
  },
  'earth-map': {
    summary: 'a painted map and the earth from above, in pairs (npm packages @cesium/engine, three-globe)',
    packages: [CESIUM, THREE_GLOBE],
    license: `public domain (Natural Earth); ${FREE}`,
    credit: `Natural Earth; ${NASA}`,
    size: 32,
    sheets: { map: painted, day: globe('earth-blue-marble.jpg'), land: globe('earth-water.png') },
    layout: { ...EARTH, width: 2048, height: 1024, fields: { input: 'map', target: 'day' }, unpaired: true },
  },
  'earth-day-night': {
    summary: 'the earth by day and by night, unpaired and in pairs (npm package three-globe)',
    packages: [THREE_GLOBE],
    license: FREE,
    credit: `${NASA.replace('Blue', 'Blue and Black')}`,
    size: 32,
    sheets: {
      day: globe('earth-blue-marble.jpg'),
      night: globe('earth-night.jpg'),
      land: globe('earth-water.png'),
    },
    layout: { ...EARTH, width: 2048, height: 1024, fields: { input: 'day', target: 'night' }, unpaired: true },
  },
  emoji: {
    summary: 'Noto emoji (npm package emoji-datasource-google)',
    packages: [NOTO],
    license: 'Apache-2.0 (Noto Emoji)',
    credit: 'Google (Noto Emoji)',
    size: 64,
    emoji: { image: noto },
  },
  'emoji-names': {
    summary: 'Noto emoji with names and tags as captions (npm package emoji-datasource-google)',
    packages: [NOTO],
    license: 'Apache-2.0 (Noto Emoji)',
    credit: 'Google (Noto Emoji)',
    size: 32,
    emoji: { image: noto },
    about: { ...TABLE, annotation: 'caption' },
  },
  'emoji-groups': {
    summary: 'Noto emoji in nine groups, which are classes (npm package emoji-datasource-google)',
    packages: [NOTO],
    license: 'Apache-2.0 (Noto Emoji)',
    credit: 'Google (Noto Emoji)',
    size: 32,
    emoji: { image: noto },
    about: { ...TABLE, annotation: 'group' },
  },
  'emoji-styles': {
    summary: 'emoji in two styles, Noto and Fluent 3D (npm packages emoji-datasource-google, @lobehub/fluent-emoji-3d)',
    packages: [NOTO, FLUENT],
    license: 'Apache-2.0 (Noto Emoji); MIT (Fluent Emoji)',
    credit: 'Google (Noto Emoji); Microsoft (Fluent Emoji)',
    size: 32,
    emoji: { input: noto, target: fluent },
  },
  'emoji-sketch': {
    summary: 'lines and colours: Noto emoji, and line drawings of them, in pairs (npm package emoji-datasource-google)',
    packages: [NOTO],
    license: 'Apache-2.0 (Noto Emoji)',
    credit: 'Google (Noto Emoji)',
    size: 64,
    emoji: { input: { ...noto, lines: 'black' }, target: noto },
  },
  'emoji-pens': {
    summary:
      'coloured lines and pictures: Noto emoji, and drawings of them with coloured pens, in pairs ' +
      '(npm package emoji-datasource-google)',
    packages: [NOTO],
    license: 'Apache-2.0 (Noto Emoji)',
    credit: 'Google (Noto Emoji)',
    size: 64,
    emoji: { input: { ...noto, lines: 'coloured' }, target: noto },
  },
  'line-art': {
    summary: 'drawings in black lines and in colour, in pairs (npm package openmoji)',
    packages: [OPENMOJI],
    license: 'CC BY-SA 4.0 (OpenMoji)',
    credit: 'the OpenMoji project',
    size: 64,
    emoji: { input: drawn('black'), target: drawn('color') },
  },
} as const satisfies Readonly<Record<string, NamedSet>>;

/** Names of the sets. */
export type SetName = keyof typeof namedSets;

/** The set called `name`. */
export const namedSet = (name: SetName): NamedSet => namedSets[name];
