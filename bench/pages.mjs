// npm run bench:pages: the time from opening the gallery to its first picture, in a new profile and with a warm cache,
// and the longest tasks of the page that trains in a tab. Both pages are built and served by their own scripts.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openBrowser } from './lib/page.mjs';
import { machine, quantile, save } from './lib/report.mjs';

const { values: o } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    steps: { type: 'string', default: '200' },
    name: { type: 'string', default: 'pages' },
  },
});
const root = resolve(fileURLToPath(import.meta.url), '../..');
const folder = mkdtempSync(join(tmpdir(), 'forja-pages-'));
const servers = [];

/** Builds and serves a page; resolves to its address. */
async function served(script, word, variable) {
  const env = { ...process.env, [variable]: join(folder, word) };
  const child = spawn(process.execPath, [join(root, 'scripts', script), '--port', '0'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  servers.push(child);
  for await (const line of createInterface(child.stdout)) {
    const address = new RegExp(`${word}: (\\S+)`).exec(line)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error(`${script}: expected an address, got none`);
}

/** Milliseconds from the start of a visit to the caption of the first picture. */
async function firstPicture(context, address) {
  const page = await context.newPage();
  await page.addInitScript(() => {
    const look = () => {
      // With the caption "Seed 1, …" or "…, 256 × 256", a picture is shown.
      if (/^Seed \d|\d × \d/.test(document.getElementById('caption')?.textContent ?? ''))
        globalThis.first ??= performance.now();
    };
    new MutationObserver(look).observe(document, { childList: true, characterData: true, subtree: true });
  });
  await page.goto(address);
  for (;;) {
    const first = await page.evaluate(() => globalThis.first);
    if (first !== undefined) {
      await page.close();
      return first;
    }
    await new Promise((go) => setTimeout(go, 50));
  }
}

/**
 * Durations of the tasks above 50 ms, which browsers report, while the page trains on `data`, exports, and loads,
 * samples and paints the file.
 */
async function longTasks(context, address, data) {
  const page = await context.newPage();
  await page.addInitScript(() => {
    globalThis.long = [];
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) globalThis.long.push([startTime, duration]);
    }).observe({ type: 'longtask', buffered: true });
  });
  await page.goto(address);
  await page.locator('#data').selectOption(data);
  await page.getByLabel('Steps', { exact: true }).fill(o.steps);
  await page.getByLabel('Batch', { exact: true }).fill('16');
  const from = await page.evaluate(() => performance.now());
  await page.getByRole('button', { name: 'Start' }).click();
  await page
    .locator('#made-caption')
    .filter({ hasText: `of step ${o.steps},` })
    .waitFor();
  // Two frames later, the picture is painted and its task reported.
  const all = await page.evaluate(async () => {
    const frame = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
    await frame();
    await frame();
    return globalThis.long;
  });
  await page.close();
  return all.filter(([start]) => start >= from).map(([, duration]) => duration);
}

const spread = (list) => ({ median: quantile(list, 0.5), min: Math.min(...list), max: Math.max(...list) });
const { browser, version } = await openBrowser();
try {
  const gallery = await served('gallery.mjs', 'Gallery', 'FORJA_GALLERY_OUT');
  const results = { gallery: {}, live: {} };
  for (const generator of ['satellite', 'clothes', 'avatars', 'faces']) {
    const times = { cold: [], warm: [] };
    for (let round = 0; round < Number(o.rounds); round++) {
      const context = await browser.newContext();
      context.setDefaultTimeout(300_000);
      const address = `${gallery}#g=${generator}`;
      times.cold.push(await firstPicture(context, address));
      times.warm.push(await firstPicture(context, address));
      await context.close();
    }
    results.gallery[generator] = { cold: spread(times.cold), warm: spread(times.warm) };
    const { cold, warm } = results.gallery[generator];
    console.log(
      `gallery, ${generator}: first picture ${cold.median.toFixed(0)} ms in a new profile, ` +
        `${warm.median.toFixed(0)} ms (${warm.min.toFixed(0)} to ${warm.max.toFixed(0)}) with a warm cache`,
    );
  }
  const live = await served('live.mjs', 'Live', 'FORJA_LIVE_OUT');
  const context = await browser.newContext();
  context.setDefaultTimeout(600_000);
  for (const data of ['ring', 'mnist']) {
    const tasks = await longTasks(context, live, data);
    results.live[data] = { steps: Number(o.steps), above50Ms: tasks.length, longestMs: Math.max(0, ...tasks) };
    console.log(
      `live, ${data}, ${o.steps} steps: ${tasks.length} tasks of the page above 50 ms` +
        (tasks.length > 0 ? `, the longest ${results.live[data].longestMs.toFixed(0)} ms` : ''),
    );
  }
  console.log(save(o.name, { machine: machine(), browser: version, rounds: Number(o.rounds), results }));
} finally {
  await browser.close();
  for (const server of servers) server.kill();
  rmSync(folder, { recursive: true, force: true });
}
