// Serves a static site on a free port with given headers, and opens pages in Chromium that record requests and console
// messages.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { CHROMIUM_FLAGS, chromiumPath } from '../../browser/project.js';
import { root } from './pack.js';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};

/** A running site. */
export interface Site {
  origin: string;
  /** Requested paths, including those requested by nested workers, which Playwright's page events do not report. */
  asked: string[];
  close(): Promise<void>;
}

/** Serves `folder` with `headers` on every answer. */
export async function serve(folder: string, headers: Readonly<Record<string, string>>): Promise<Site> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '/');
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname).replace(/\/$/, '/index.html');
    const file = join(folder, path);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
      response.statusCode = 404;
      return void response.end('not found');
    }
    response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))),
  };
}

/** Starts a script of scripts/ that builds and serves a page, and waits for the address that it prints after `word`. */
export async function startScript(
  script: string,
  word: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ server: ChildProcess; address: string }> {
  const server = spawn(process.execPath, [join(root, 'scripts', script), ...args, '--port', '0'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const address = await new Promise<string>((resolve, reject) => {
    let text = '';
    const read = (chunk: Buffer): void => {
      text += chunk.toString();
      const found = new RegExp(`${word}: (\\S+)`).exec(text)?.[1];
      if (found) resolve(found);
    };
    server.stdout.on('data', read);
    server.stderr.on('data', read);
    server.on('close', () => reject(new Error(text)));
  });
  return { server, address };
}

/** The browser of the browser tests. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath, args: [...CHROMIUM_FLAGS] });
}

/** A page and its records. */
export interface NotedPage {
  page: Page;
  /** Addresses asked for, by the page and its workers. */
  requests: string[];
  /** Errors, warnings and policy violations on the console. */
  complaints: string[];
}

/** A new page in its own context. Its timeout is that of a test, so that a slow machine does not make the test fail. */
export async function openPage(browser: Browser): Promise<NotedPage> {
  const context = await browser.newContext();
  context.setDefaultTimeout(300_000);
  const page = await context.newPage();
  const noted: NotedPage = { page, requests: [], complaints: [] };
  context.on('request', (request) => noted.requests.push(request.url()));
  page.on(
    'console',
    (message) => ['error', 'warning'].includes(message.type()) && noted.complaints.push(message.text()),
  );
  page.on('pageerror', (error) => noted.complaints.push(String(error)));
  return noted;
}

/** Waits until an expression in the page is true. Playwright's own method is blocked by a strict CSP. */
export async function until(page: Page, expression: string): Promise<void> {
  for (let i = 0; i < 3000; i++) {
    if (await page.evaluate(`Boolean(${expression})`)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`expected ${expression} within five minutes`);
}
