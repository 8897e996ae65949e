// Which Markdown files are pages of the site, where each is, and where a link in one of them leads. The files are also
// read on GitHub, so links in them are relative to the file, and lead to source files too.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, with `/` at its end. */
export const root = fileURLToPath(new URL('../../', import.meta.url)).replaceAll('\\', '/');

/** The repository on GitHub, which shows the files that are not pages of the site. */
export const forge = 'https://github.com/forja-gan/forja';

/** Folders and files that are not pages, as globs from the root. README.md is the front page on GitHub. */
export const excluded = ['README.md', '**/NOTICES.md', '**/runs/**', 'bench/results/**', 'tests/corpus/**'];

/** The page of a file: those of docs/ are at the top, a README.md is its folder's page. */
export const pageOf = (file) => file.replace(/^docs\//, '').replace(/README\.md$/, 'index.md');

/** The anchor of a heading, as GitHub makes it, so that a link works in both places. */
export const anchorOf = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');

/**
 * Where a link `href` of the file `from` (a path from the root) leads: to a page of the site, or to GitHub. Throws for
 * a file that does not exist. Addresses, anchors and what TypeDoc wrote stay as they are.
 */
export function linkOf(from, href) {
  if (/^[a-z]+:|^#|^\//.test(href) || from.startsWith('docs/api/')) return href;
  const [path, anchor = ''] = href.split(/(?=#)/);
  const target = posix.join(dirname(from), decodeURI(path));
  if (target.startsWith('docs/api/')) return `/${pageOf(target)}${anchor}`; // VitePress checks that it exists
  if (!existsSync(join(root, target))) throw new Error(`${from}: expected a file at ${href}, got none`);
  if (target === 'README.md') return `/${anchor}`;
  const kind = statSync(join(root, target)).isDirectory() ? 'tree' : 'blob';
  const isPage =
    target.endsWith('.md') && !target.endsWith('NOTICES.md') && !/^(bench\/results|tests\/corpus)\//.test(target);
  return isPage ? `/${pageOf(target)}${anchor}` : `${forge}/${kind}/main/${target}${anchor}`;
}

/** markdown-it plugin: links as `linkOf` says. VitePress names the file that is being rendered. */
export function links(md) {
  md.core.ruler.push('links of the repository', ({ tokens, env }) => {
    const from = (env.realPath ?? env.path).replaceAll('\\', '/').slice(root.length);
    for (const { children } of tokens)
      for (const token of children ?? []) {
        const href = token.type === 'link_open' ? token.attrGet('href') : null;
        if (href !== null) token.attrSet('href', linkOf(from, href));
      }
  });
}

/**
 * The groups of docs/index.md: under each `## heading`, the first link of each list item. It is the one list of guides,
 * for readers on GitHub and for the sidebar.
 */
export function guides() {
  const groups = [];
  for (const line of readFileSync(join(root, 'docs/index.md'), 'utf8').split('\n')) {
    const heading = /^## (.+)$/.exec(line);
    if (heading) groups.push({ text: heading[1], items: [] });
    const item = /^- \[([^\]]+)\]\(([^)]+)\)/.exec(line);
    if (item) groups.at(-1)?.items.push({ text: item[1].replaceAll('`', ''), link: linkOf('docs/index.md', item[2]) });
  }
  return groups;
}
