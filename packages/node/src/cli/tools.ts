// Finds programs outside npm that a project may use: a browser for pages and their tests, ffmpeg for video.
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/** Result of looking for a program. */
export interface Tool {
  name: string;
  path?: string;
  version?: string;
  /** What to do if it is missing. */
  advice?: string;
}

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];
/** Usual paths of browsers on macOS and Windows, where they are not on the PATH. */
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ...['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA']
    .flatMap((name) => process.env[name] ?? [])
    .flatMap((base) => [
      join(base, 'Google\\Chrome\\Application\\chrome.exe'),
      join(base, 'Microsoft\\Edge\\Application\\msedge.exe'),
    ]),
];
/** Time limit for a program to print its version. */
const PATIENCE_MS = 5000;

/** Looks for the browser and ffmpeg. */
export async function tools(): Promise<Tool[]> {
  const given = process.env['CHROMIUM_PATH'];
  const browser =
    given === undefined
      ? (BROWSERS.map(onPath).find((path) => path !== undefined) ?? PLACES.find(existsSync))
      : existsSync(given)
        ? given
        : undefined;
  const ffmpeg = onPath('ffmpeg');
  return [
    browser === undefined
      ? {
          name: 'browser',
          advice:
            given === undefined
              ? 'no Chromium, Chrome or Edge found; set CHROMIUM_PATH. Only tests of pages need it'
              : `CHROMIUM_PATH names ${given}, which does not exist`,
        }
      : { name: 'browser', path: browser },
    ffmpeg === undefined
      ? { name: 'ffmpeg', advice: 'not found; only video output needs it' }
      : { name: 'ffmpeg', path: ffmpeg, ...(await versionOf(ffmpeg)) },
  ];
}

function onPath(name: string): string | undefined {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, file))
    .find(canRun);
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function versionOf(ffmpeg: string): Promise<{ version?: string }> {
  try {
    const { stdout } = await promisify(execFile)(ffmpeg, ['-version'], { timeout: PATIENCE_MS });
    const version = /^ffmpeg version (\S+)/.exec(stdout)?.[1];
    return version === undefined ? {} : { version };
  } catch {
    return {};
  }
}
