// The configurations of docs/serve.md on real balancers, HAProxy and nginx where they are installed: three replicas of
// `forja serve` under load, one drained and one killed; no client may see a failure. Part of npm run interop; needs a
// build.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const BIN = join(root, 'packages', 'node', 'dist', 'bin.js');
const MODEL = join(root, 'generators', 'clothes.onnx');
const CLIENTS = 9;
/** Answers between two events. */
const ANSWERS = 150;

/** Each balancer: its version, and the command that runs it in the foreground with a configuration. */
const BALANCERS = {
  haproxy: {
    version: ['haproxy', '-v'],
    command: (config) => ['haproxy', '-db', '-f', config],
    whole: (text) => text,
  },
  nginx: {
    version: ['nginx', '-v'],
    command: (config, folder) => ['nginx', '-p', folder, '-e', 'stderr', '-c', config],
    whole: (text) =>
      'daemon off; master_process off; pid nginx.pid; events {} ' +
      'http { access_log off; client_body_temp_path body; proxy_temp_path proxy; ' +
      `fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n${text}}\n`,
  },
};

/** Runs each. */
export async function balancers() {
  const page = readFileSync(join(root, 'docs', 'serve.md'), 'utf8');
  for (const [name, { version, command, whole }] of Object.entries(BALANCERS)) {
    const [program, ...args] = version;
    const said = spawnSync(program, args, { encoding: 'utf8' });
    if (said.status !== 0) {
      console.log(`${name}: skipped: it is not installed`);
      continue;
    }
    const folder = mkdtempSync(join(tmpdir(), 'forja-balancer-'));
    const services = await Promise.all([1, 2, 3].map(startService));
    const text = new RegExp(`\`\`\`${name}\\n([\\s\\S]*?)\`\`\``).exec(page)[1];
    const port = 18_000 + (process.pid % 1000);
    const config = services
      .reduce((all, { url }, i) => all.replaceAll(`127.0.0.1:808${i + 1}`, new URL(url).host), text)
      .replaceAll('127.0.0.1:8000', `127.0.0.1:${port}`);
    writeFileSync(join(folder, 'config'), whole(config));
    const [balancer, ...words] = command(join(folder, 'config'), folder);
    const child = spawn(balancer, words, { stdio: ['ignore', 'ignore', 'ignore'] });
    const exit = once(child, 'exit');
    try {
      const { answers, failed, drained } = await underLoad(`http://127.0.0.1:${port}`, services, child);
      const ok = failed.length === 0 && drained === 0;
      console.log(
        `${name} (${(said.stdout + said.stderr).split('\n')[0]}): ${answers} answers, ${failed.length} failures ` +
          `${failed.slice(0, 3).join('; ')}; the drained replica ended with ${drained}${ok ? '' : ' FAILED'}`,
      );
      if (!ok) process.exitCode = 1;
    } finally {
      for (const one of [child, ...services.map((service) => service.child)]) one.kill('SIGKILL');
      await exit;
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** Clients that ask on, while a replica is drained and then another one is killed. */
async function underLoad(url, services, balancer) {
  while (
    !(await fetch(`${url}/v2/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (balancer.exitCode !== null) throw new Error(`the balancer ended with ${balancer.exitCode}`);
    await wait(100);
  }
  let [answers, going] = [0, true];
  const failed = [];
  const client = async () => {
    for (let i = 0; going; i++) {
      const body = JSON.stringify({ seed: i, count: 4 });
      const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
      try {
        const answer = await fetch(`${url}/v1/images?seed=${i}&count=4`, i % 2 ? post : {});
        await answer.arrayBuffer();
        if (answer.ok) answers++;
        else failed.push(String(answer.status));
      } catch (error) {
        failed.push(String(error.cause?.code ?? error));
      }
    }
  };
  const clients = Array.from({ length: CLIENTS }, client);
  const more = async () => {
    const goal = answers + failed.length + ANSWERS;
    while (answers + failed.length < goal) await wait(10);
  };
  await more();
  services[0].child.kill('SIGTERM');
  const [drained] = await services[0].ended;
  await more();
  services[1].child.kill('SIGKILL');
  await services[1].ended;
  await more();
  going = false;
  await Promise.all(clients);
  return { answers, failed, drained };
}

async function startService() {
  const words = [BIN, 'serve', `small=${MODEL}`, '--port', '0', '--device', 'cpu', '--threads', '1'];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  let url = '';
  for await (const line of createInterface({ input: child.stdout })) {
    url ||= /http:\S+\d/.exec(line)?.[0] ?? '';
    if (line.startsWith('Ready')) return { child, ended, url };
  }
  throw new Error('forja serve ended before it was ready');
}
