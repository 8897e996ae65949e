// The site: guides in the order of docs/index.md, the API reference that scripts/docs.mjs has written, local search.
// Everything comes from the site's own files: fonts, scripts and the search index too.
import { existsSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { defineConfig } from 'vitepress';
import { anchorOf, excluded, forge, guides, links, pageOf, root } from './pages.mjs';

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n');
const sidebarOfApi = `${root}docs/api/typedoc-sidebar.json`;
const api = existsSync(sidebarOfApi) ? JSON.parse(readFileSync(sidebarOfApi, 'utf8')) : [];
// Beside a page of the reference: the modules, with what is in its own. Everything beside every page made
// a site of 160 MB.
const sidebarsOfApi = Object.fromEntries(
  [{ link: '/api/' }, ...api].map(({ link }) => [
    link,
    [
      { text: 'Guides', link: '/' },
      {
        text: 'API reference',
        link: '/api/',
        items: api.map((module) =>
          module.link === link ? { ...module, collapsed: false } : { text: module.text, link: module.link },
        ),
      },
    ],
  ]),
);
const sidebar = guides().map((group, i) => ({ ...group, collapsed: i > 2 }));

export default defineConfig({
  title: 'Forja',
  description: 'Train a GAN in TypeScript, export its generator as ONNX without Python, sample it anywhere.',
  lang: 'en',
  srcDir: '..',
  srcExclude: excluded,
  rewrites: { ...Object.fromEntries(files.map((file) => [file, pageOf(file)])), 'docs/api/:rest*': 'api/:rest*' },
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  // Braces in a text are text: no attributes.
  markdown: { anchor: { slugify: anchorOf }, attrs: { disable: true }, languageAlias: { mjs: 'js' }, config: links },
  vite: { publicDir: false, build: { chunkSizeWarningLimit: 4096 } },
  themeConfig: {
    nav: [
      { text: 'Guides', link: '/' },
      { text: 'API', link: '/api/' },
      // scripts/docs.mjs builds it into the site; a target makes the browser, not VitePress, open it
      { text: 'Gallery', link: '/gallery/index.html', target: '_self' },
      { text: 'Troubleshooting', link: '/troubleshooting.md' },
      { text: 'Source', link: forge },
    ],
    sidebar: { '/': sidebar, ...sidebarsOfApi },
    outline: [2, 3],
    search: { provider: 'local' },
  },
});
