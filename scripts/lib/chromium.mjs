// Finds a Chromium to test in: CHROMIUM_PATH, then browsers in their usual places, then (only if requested) Debian's
// package through apt. If there is none, throws an error with one line of advice. Downloads nothing else.
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { StageError, run } from './stage.mjs';

const names = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'microsoft-edge',
  'microsoft-edge-stable',
  'chrome',
];

const mac = ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(
  (app) => `/Applications/${app}.app/Contents/MacOS/${app}`,
);

const windows = [
  'Google\\Chrome\\Application\\chrome.exe',
  'Chromium\\Application\\chrome.exe',
  'Microsoft\\Edge\\Application\\msedge.exe',
].flatMap((path) =>
  ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA']
    .map((name) => process.env[name])
    .flatMap((base) => (base ? [join(base, path)] : [])),
);

/**
 * Path of an installed Chromium, Chrome or Edge, or undefined. Throws if CHROMIUM_PATH names no file, instead of
 * searching elsewhere.
 */
export function findChromium() {
  const given = process.env['CHROMIUM_PATH'];
  if (given) {
    if (!existsSync(given))
      throw new StageError(`CHROMIUM_PATH: expected the path of a browser, got ${given}, which does not exist`);
    return given;
  }
  const onPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)));
  return [...(process.platform === 'win32' ? windows : process.platform === 'darwin' ? mac : onPath)].find(executable);
}

/**
 * Like findChromium, but installs Debian's `chromium` if none is found and this process may (root, apt present).
 * @returns {Promise<string>}
 */
export async function ensureChromium() {
  const found = findChromium();
  if (found) return found;
  if (process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log('installing Debian’s chromium with apt-get …');
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update', '-qq'], { env });
    const { code, output } = await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], {
      env,
    });
    const installed = findChromium();
    if (code === 0 && installed) return installed;
    console.log(output.split('\n').slice(-8).join('\n'));
  }
  throw new StageError(
    'no Chromium, Chrome or Edge was found: install one, or set CHROMIUM_PATH to its path, and run again',
  );
}

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
