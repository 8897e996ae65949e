// The one build recipe: every package's tsup.config.ts is one call of it. ESM only, es2022, declarations from
// tsconfig.build.json. tsup is no longer developed; all that we use of it is in this file, so that leaving it is a
// one-file change.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Options } from 'tsup';

/** What a package says about its own build. */
export interface Recipe {
  /** Output name → source file, relative to the package. */
  entry: Record<string, string>;
  /** Entries that a user imports and that therefore need a declaration file; the default is every entry. */
  types?: string[];
  platform: 'neutral' | 'node' | 'browser';
  /** Dependencies copied into the output; each has its notice in NOTICES.md. */
  bundle?: (string | RegExp)[];
  external?: (string | RegExp)[];
}

/** The tsup options of a package. `FORJA_DTS=0` (build.mjs --no-dts) leaves the declarations out. */
export function recipe({ entry, types, platform, bundle = [], external = [] }: Recipe): Options {
  const present = Object.fromEntries(Object.entries(entry).filter(([, file]) => existsSync(resolve(file))));
  const typed = Object.fromEntries(Object.entries(present).filter(([name]) => types?.includes(name) ?? true));
  return {
    entry: present,
    format: ['esm'],
    target: 'es2022',
    platform,
    tsconfig: 'tsconfig.build.json',
    dts: process.env['FORJA_DTS'] === '0' || Object.keys(typed).length === 0 ? false : { entry: typed },
    splitting: true, // what is imported on first use (encoders, commands) stays in files of its own
    treeshake: false,
    minify: false,
    sourcemap: true,
    clean: false, // files are written in place; build.mjs removes what a build no longer wrote
    noExternal: bundle,
    external,
    silent: true,
    // A dependency's module form where it has one: CommonJS would bring esbuild's helpers for it, which every page then
    // loads.
    ...(platform === 'neutral' ? { esbuildOptions: (options) => void (options.mainFields = ['module', 'main']) } : {}),
  };
}
