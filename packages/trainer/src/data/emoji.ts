// The layout of emoji pictures, identified by their code points: uses the emoji that all styles have, grouped by base
// emoji. Variants of one emoji (skin tones, hair) look alike, so a group is either all training data or all held out.
import type { Ink } from './lines.js';
import type { Example, Layout, LayoutPart } from './layout.js';
import type { EmojiAnnotation } from './named-sets.js';
import { isHeldOut } from './split.js';

/** What is known of an emoji. */
export interface EmojiAbout {
  /** Its name, tags and subgroup, without repeated words: "hamburger food prepared". */
  caption: string;
  /** Group of Unicode's list: "Food & Drink". */
  group: string;
}

/** Share of base emoji that is held out. */
export const HELD = 0.125;

/** A file's emoji: code points in lower case, without the presentation selector, which not all packages write. */
export const codeOf = (file: string): string =>
  (file.split('/').at(-1) ?? '')
    .replace(/\.[^.]+$/, '')
    .toLowerCase()
    .replaceAll(/-fe0f/g, '');

/** The base emoji: without skin tones, sexes and hair, and facing left, as most do. */
export const baseOf = (code: string): string =>
  code.replaceAll(/-1f3f[b-f]/g, '').replaceAll(/-200d-(2640|2642|1f9b[0-3]|27a1)/g, '');

/** Skin tones, by code point. */
const TONES = [/1f3f[b-f]/];
/** Emoji with the lines of another one in other colours: flags; hearts, circles, squares, books that are not red. */
const COLOURED = [
  /1f1(e[6-9a-f]|f)|e006/,
  /^(1f49[9a-c]|1f5a4|1f90[de]|1f9e1|1fa7[5-7])$/,
  /^(1f535|1f7e[0-9ab]|1f4d[7-9])$/,
];
/** What is left out of data with lines of an ink. Skin tones, because they would be more than half of it. */
const LEFT_OUT: Readonly<Record<Ink, readonly RegExp[]>> = { black: [...TONES, ...COLOURED], coloured: TONES };

/** What {@link emojiLayout} does besides pairing files. */
export interface EmojiOptions {
  /** What is known of emoji: uses only these, with their captions, or their groups as classes. */
  about?: { annotation: EmojiAnnotation; of: ReadonlyMap<string, EmojiAbout> } | undefined;
  /** The ink of fields that are line drawings. Then emoji with the same lines as others are left out. */
  lines?: Readonly<Record<string, Ink>>;
}

/**
 * Examples of the emoji that every field has. If there are two fields, they are also given unpaired, as `a` and `b`:
 * each training emoji is then used in only one of the two styles.
 */
export function emojiLayout(
  files: Readonly<Record<string, readonly string[]>>,
  { about, lines = {} }: EmojiOptions = {},
): Layout {
  const fields = Object.keys(files);
  const found = fields.map((field) => new Map((files[field] ?? []).map((file) => [codeOf(file), file] as const)));
  const known = about ? [...found, about.of] : found;
  const leftOut = Object.values(lines).flatMap((ink) => LEFT_OUT[ink]);
  const codes = [...(found[0]?.keys() ?? [])]
    .filter((code) => known.every((map) => map.has(code)) && !leftOut.some((one) => one.test(code)))
    .sort();
  const examples = codes.map((code): Example => {
    const { caption = '', group = '' } = about?.of.get(code) ?? {};
    return {
      name: baseOf(code),
      files: found.map((map) => map.get(code) ?? ''),
      ...(about?.annotation === 'caption' ? { caption } : {}),
      ...(about?.annotation === 'group' ? { label: group } : {}),
    };
  });
  const drawn = (field = ''): { lines?: Ink } => {
    const ink = lines[field];
    return ink === undefined ? {} : { lines: ink };
  };
  const parts: LayoutPart[] = [{ fields: fields.map((name) => ({ name, ...drawn(name) })), examples }];
  if (fields.length === 2)
    for (const [i, part] of ['a', 'b'].entries())
      parts.push({
        part,
        fields: [{ name: part, ...drawn(fields[i]) }],
        examples: examples
          .filter(({ name }) => isHeldOut(name, HELD) || isHeldOut(`${name}/side`, 0.5) === (i === 0))
          .map(({ name, files: own }) => ({ name, files: [own[i] ?? ''] })),
      });
  const classes = [...new Set(examples.flatMap(({ label }) => label ?? []))].sort();
  return { parts, skipped: [], ...(classes.length > 0 ? { classes } : {}) };
}
