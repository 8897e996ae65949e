// What an emoji shows, as a caption and as a group, from the table of the package emoji-datasource (emoji.json).
import { ForjaError, wordsOf } from '@forja/core';
import { codeOf } from './emoji.js';
import type { EmojiAbout } from './emoji.js';

/** Names of skin tones (Unicode CLDR). */
const TONES: Readonly<Record<string, string>> = {
  '1f3fb': 'light skin',
  '1f3fc': 'medium light skin',
  '1f3fd': 'medium skin',
  '1f3fe': 'medium dark skin',
  '1f3ff': 'dark skin',
};

interface Row {
  name?: string;
  unified?: string;
  short_names?: string[];
  category?: string;
  subcategory?: string;
  skin_variations?: Record<string, { unified?: string }>;
}

/**
 * The emoji of the table by code point as in `codeOf`, variants included, without the group 'Component', which has
 * swatches of skin tones only.
 * @throws ForjaError `data.format` for text that is not such a table.
 */
export function emojiAbout(text: string, where: string): Map<string, EmojiAbout> {
  const found = new Map<string, EmojiAbout>();
  for (const { name, unified, short_names = [], category, subcategory = '', skin_variations = {} } of rowsOf(text)) {
    if (name === undefined || unified === undefined || category === undefined || category === 'Component') continue;
    const words = [name, ...short_names, subcategory].flatMap((one) => wordsOf(one.replaceAll(/[_-]/g, ' ')));
    found.set(codeOf(unified), { caption: [...new Set(words)].join(' '), group: category });
    for (const variant of Object.values(skin_variations)) {
      const code = codeOf(variant.unified ?? '');
      const tones = [...new Set(code.split('-').flatMap((point) => TONES[point] ?? []))].join(' and ');
      found.set(code, { caption: [...new Set(words), tones].join(' '), group: category });
    }
  }
  if (found.size === 0)
    throw new ForjaError(
      'data.format',
      `data: expected a list of emoji with name, unified and category in ${where}, got none; install a version that ` +
        'has it',
    );
  return found;
}

function rowsOf(text: string): Row[] {
  try {
    const table: unknown = JSON.parse(text);
    return Array.isArray(table) ? (table as Row[]) : []; // fields are checked where they are used
  } catch {
    return [];
  }
}
