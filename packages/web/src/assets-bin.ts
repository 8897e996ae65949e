#!/usr/bin/env node
// The command `forja-web-assets <dir>`. The work is in assets.ts.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nearest } from '@forja/core';
import { copyAssets } from './assets.js';

const HELP = `forja-web-assets <dir> [--wasm-only | --no-asyncify]

Copies the worker of @forja/web and the files of onnxruntime-web into <dir>, for pages whose bundler does not
follow \`new Worker(new URL(...))\` (esbuild) and for pages without one. Then: load(url, { assets: '/<dir>/' }).

  --wasm-only     leave the WebGPU builds out (14 MB instead of 57 MB)
  --no-asyncify   leave out the one for browsers without JSPI, whose file (25.5 MiB) is above the limit of some hosts;
                  those browsers then use WASM

Examples:
  $ forja-web-assets public/forja
  $ forja-web-assets public/forja --wasm-only
`;

const OPTIONS = {
  'wasm-only': { type: 'boolean', default: false },
  'no-asyncify': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

async function main(): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({ allowPositionals: true, options: OPTIONS });
  } catch (error) {
    console.error(`forja-web-assets: ${refusal(error)}\n\n${HELP}`);
    return 2;
  }
  if (parsed.values.help) {
    console.log(HELP);
    return 0;
  }
  const [to, ...rest] = parsed.positionals;
  if (to === undefined || rest.length > 0) {
    console.error(`forja-web-assets: expected one folder, got ${parsed.positionals.length}\n\n${HELP}`);
    return 2;
  }
  try {
    const files = await copyAssets({
      to,
      builds: (['wasm', 'jspi', 'webgpu'] as const).filter(
        (build) =>
          build === 'wasm' || !(parsed.values['wasm-only'] || (build === 'webgpu' && parsed.values['no-asyncify'])),
      ),
      app: process.cwd(),
      worker: fileURLToPath(new URL('./worker.js', import.meta.url)),
    });
    console.log(`${files.length} files in ${to}: ${files.join(', ')}`);
    return 0;
  } catch (error) {
    console.error(`forja-web-assets: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

/** The message for a command line that cannot be parsed; an unknown flag with the one that was probably meant. */
function refusal(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const flag = /^Unknown option '--([^']+)'/.exec(message)?.[1];
  if (flag === undefined) return message;
  return `expected a known flag, got --${flag}${nearest(flag, Object.keys(OPTIONS)).replace("'", "'--")}`;
}

void main().then((code) => {
  process.exitCode = code;
});
