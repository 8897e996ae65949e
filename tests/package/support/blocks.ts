// The code blocks of a Markdown page. TypeScript is type-checked; a block with `run` after the language is also run, in
// the page's order and folder. A comment `<!-- given: … -->` right above a block is prepended to its code.

/** A fenced block. */
export interface Block {
  page: string;
  /** Line of its first line of code, from 1. */
  line: number;
  language: string;
  run: boolean;
  given: string;
  code: string;
}

/** Every block of a page in order. Throws for an unknown word after the language. */
export function blocksOf(page: string, text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.split('\n');
  let given = '';
  for (let i = 0; i < lines.length; i++) {
    const comment = /^<!-- given: /.test(lines[i]!);
    if (comment) {
      const end = lines.findIndex((line, at) => at >= i && line.endsWith('-->'));
      given = lines
        .slice(i, end + 1)
        .join('\n')
        .replace(/^<!-- given: /, '')
        .replace(/\s*-->$/, '');
      i = end;
      continue;
    }
    const open = /^```(\w+)(?: (\w+))?$/.exec(lines[i]!);
    if (open) {
      const [, language = '', word] = open;
      if (word !== undefined && word !== 'run')
        throw new Error(`${page}:${i + 1}: expected run or nothing after ${language}, got '${word}'`);
      const end = lines.indexOf('```', i + 1);
      if (end < 0) throw new Error(`${page}:${i + 1}: a block without an end`);
      blocks.push({
        page,
        line: i + 2,
        language,
        run: word === 'run',
        given,
        code: lines.slice(i + 1, end).join('\n'),
      });
      i = end;
    } else if (/^```\s*$/.test(lines[i]!)) i = lines.indexOf('```', i + 1); // a block of no language: output, headers
    if (lines[i] !== '') given = '';
  }
  return blocks;
}

/**
 * The words of each `forja` command in a shell block; comments and continuation lines are understood, other programs
 * are not.
 */
export function forjaCommands({ code, page, line }: Block): string[][] {
  return code
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((text) => text.replace(/(^|\s)#.*$/, '').trim())
    .filter((text) => text !== '')
    .map((text) => {
      const [program, ...words] = text.replace(/^npx /, '').split(/\s+/);
      if (program !== 'forja')
        throw new Error(`${page}:${line}: a shell block that is run may only call forja, got '${text}'`);
      return words.map((word) => word.replace(/^(['"])(.*)\1$/, '$2'));
    });
}

/**
 * The files that a page shows: blocks whose first line is a comment with a name, `// main.ts` or `<!-- index.html -->`.
 */
export function filesOf(page: string, text: string): Record<string, string> {
  return Object.fromEntries(
    blocksOf(page, text).flatMap(({ code }) => {
      const name = /^(?:\/\/|<!--) ([\w./-]+\.\w+)(?: -->)?\n/.exec(code)?.[1];
      return name === undefined ? [] : [[name, name.endsWith('.html') ? code.slice(code.indexOf('\n') + 1) : code]];
    }),
  );
}
