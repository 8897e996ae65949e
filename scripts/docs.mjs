// `npm run docs`: builds the documentation site in docs/.vitepress/dist. TypeDoc writes a page for every public symbol
// to docs/api, VitePress builds those and the guides (docs/.vitepress/config.mjs) and fails on dead links, the gallery
// is built into the site's folder gallery, and docs/.vitepress/check.mjs checks the result. `-- --dev` serves the pages
// instead, without the gallery, and watches for changes.
import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { showInGallery } from './lib/gallery.mjs';
import { buildSite } from './lib/site.mjs';
import { root, stage } from './lib/stage.mjs';
import { setup } from './setup.mjs';

const docs = join(root, 'docs');

/** The name of an entry's module in the reference: `@forja/core/onnx` for packages/core/src/onnx.ts. */
function moduleName(file) {
  const [, name, entry] = /packages\/(\w+)\/src\/(\w+)/.exec(file.replaceAll('\\', '/')) ?? [];
  return `@forja/${name}${entry === 'index' ? '' : `/${entry}`}`;
}

/** Writes docs/api from the docblocks. Throws for a broken link. */
async function reference() {
  const { Application, Converter } = await import('typedoc');
  const out = join(docs, 'api');
  rmSync(out, { recursive: true, force: true });
  const app = await Application.bootstrapWithPlugins({
    plugin: ['typedoc-plugin-markdown', 'typedoc-vitepress-theme'],
    tsconfig: join(docs, '.vitepress', 'tsconfig.json'),
    entryPoints: entries().map((file) => join(root, file)),
    basePath: root,
    skipErrorChecking: true, // `npm test` has checked the types
    excludePrivate: true,
    excludeInternal: true,
    excludeExternals: true,
    disableGit: true,
    sourceLinkTemplate: 'https://github.com/forja-gan/forja/blob/main/packages/{path}#L{line}',
    readme: 'none',
    name: 'API reference',
    out,
    docsRoot: docs,
    outputFileStrategy: 'members',
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeDeclarationFormat: 'table',
    tableColumnSettings: { hideSources: true },
    hidePageHeader: true,
    logLevel: 'Warn',
    validation: { notExported: false, invalidLink: true, notDocumented: false },
    treatValidationWarningsAsErrors: true,
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) module.name = moduleName(module.sources?.[0]?.fileName ?? module.name);
  });
  const project = await app.convert();
  if (!project) throw new Error('typedoc found nothing to document');
  app.validate(project);
  await app.generateOutputs(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('typedoc: see the messages above');
}

/** Builds the gallery of the committed generators into the site. */
async function gallery() {
  process.env.FORJA_GALLERY_OUT = join(docs, '.vitepress', 'dist', 'gallery');
  showInGallery();
  await buildSite('gallery', { packages: ['core', 'web'] });
}

/** The public entries of the packages, as sources. */
function entries() {
  return [
    'core/src/index',
    'core/src/onnx',
    'core/src/conformance',
    'core/src/page',
    'node/src/index',
    'node/src/serve',
    'node/src/cli',
    'web/src/index',
    'trainer/src/index',
    'trainer/src/node',
  ].map((path) => `packages/${path}.ts`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (!(await setup())) process.exit(1);
  const written = await stage('API reference', reference);
  if (!written.ok) process.exit(1);
  const { build, createServer } = await import('vitepress');
  if (process.argv.includes('--dev')) {
    const server = await createServer(docs);
    await server.listen();
    server.printUrls();
  } else {
    const { check } = await import(pathToFileURL(join(docs, '.vitepress', 'check.mjs')).href);
    const done =
      (await stage('site', () => build(docs))).ok &&
      (await stage('gallery', gallery)).ok &&
      (await stage('links and requests', check)).ok;
    if (done) console.log(`\n${relative(root, join(docs, '.vitepress', 'dist'))} is the site.`);
    process.exit(done ? 0 : 1);
  }
}
