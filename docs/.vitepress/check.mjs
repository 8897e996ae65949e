// Looks at the built site: every page and anchor that a link names, and every script and style that a page loads, is
// there (VitePress looks for links in its own pages only), and nothing is loaded from another server.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { StageError } from '../../scripts/lib/stage.mjs';
import { root } from './pages.mjs';

const site = join(root, 'docs/.vitepress/dist');

/** Throws a StageError with every broken anchor and every request to elsewhere. */
export function check() {
  const files = readdirSync(site, { recursive: true }).map((file) => file.replaceAll('\\', '/'));
  const pages = new Map(
    files.filter((file) => file.endsWith('.html')).map((file) => [`/${file}`, readFileSync(join(site, file), 'utf8')]),
  );
  const ids = new Map(
    [...pages].map(([page, html]) => [page, new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))]),
  );
  const found = [];
  for (const [page, html] of pages) {
    for (const [, href] of html.matchAll(/<a [^>]*?href="([^"]*)"/g)) {
      if (/^[a-z]+:/.test(href)) continue;
      const [path, anchor] = href.split('#');
      const joined = path === '' ? page : posix.resolve(posix.dirname(page), path) + (path.endsWith('/') ? '/' : '');
      const target = joined.endsWith('/') ? `${joined.replace(/\/$/, '')}/index.html` : joined;
      if (!ids.has(target)) {
        if (!existsSync(join(site, target))) found.push(`${page}: expected a page at ${href}, got none`);
      } else if (anchor && !ids.get(target).has(decodeURIComponent(anchor)))
        found.push(`${page}: expected the heading of ${href}, got none`);
    }
    for (const [, address] of html.matchAll(/<(?:script|link)\b[^>]*?(?:src|href)="(?!data:|[a-z]+:|\/\/)([^"]+)"/g))
      if (!existsSync(join(site, posix.resolve(posix.dirname(page), address))))
        found.push(`${page}: expected a file at ${address}, got none`);
    for (const [, tag, address] of html.matchAll(
      /<(script|link|img|iframe|source|video)\b[^>]*?(?:src|href)="((?:https?:)?\/\/[^"]*)"/g,
    ))
      found.push(`${page}: expected what <${tag}> loads in the site, got ${address}`);
  }
  for (const file of files.filter((name) => name.endsWith('.css')))
    for (const [, address] of readFileSync(join(site, file), 'utf8').matchAll(
      /(?:url\(|@import )["']?((?:https?:)?\/\/[^"')]+)/g,
    ))
      found.push(`${file}: expected what it loads in the site, got ${address}`);
  if (pages.size < 40) found.push(`expected the guides and the reference, got ${pages.size} pages`);
  if (found.length > 0) throw new StageError(`${found.length} faults`, [...new Set(found)].join('\n'));
}
