// Runs a script in a process with a home folder of its own, and says what it left there and which internet addresses it
// and its children connected to. Not part of the package.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How a process ended, the files under its home, and its connections; those are unknown where strace is missing. */
export interface Seen {
  status: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  files: string[];
  connections: string[] | undefined;
}

/** If one of these is set, onnxruntime turns its telemetry off itself, and tests would see nothing. */
const onContinuousIntegration = [
  ...['CI', 'TF_BUILD', 'GITHUB_ACTIONS', 'GITLAB_CI', 'CIRCLECI', 'TRAVIS', 'JENKINS_URL', 'CODEBUILD_BUILD_ID'],
  ...['BUILDKITE', 'TEAMCITY_VERSION', 'APPVEYOR', 'BITBUCKET_BUILD_NUMBER'],
];

/** Why connections cannot be watched; undefined if they can be. */
export const unwatched: string | undefined =
  process.platform === 'linux' && spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
    ? undefined
    : 'connections are not watched here: that needs Linux and strace';

/** What a process that leaves its host alone looks like. */
export const quiet: Partial<Seen> = {
  status: 0,
  signal: null,
  files: [],
  connections: unwatched === undefined ? [] : undefined,
};

let next = 0;

/** Runs Node with these arguments, in `folder`. `variable`: the value of `ORT_DISABLE_TELEMETRY`, else unset. */
export function inHome(folder: string, args: readonly string[], variable?: string): Seen {
  const home = mkdtempSync(join(folder, 'home-'));
  const log = join(folder, `strace-${next++}`);
  const environment = { ...process.env };
  for (const name of [...onContinuousIntegration, 'ORT_DISABLE_TELEMETRY', 'XDG_CACHE_HOME']) delete environment[name];
  const strace = ['strace', '-f', '-qq', '-e', 'trace=connect,sendto,sendmmsg', '-o', log];
  const watched = unwatched === undefined ? strace : [];
  const [command = '', ...rest] = [...watched, process.execPath, '--no-deprecation', ...args];
  const { status, signal, stdout, stderr } = spawnSync(command, rest, {
    encoding: 'utf8',
    cwd: folder,
    env: {
      ...environment,
      HOME: home,
      TMPDIR: folder,
      ...(variable === undefined ? {} : { ORT_DISABLE_TELEMETRY: variable }),
    },
  });
  const calls = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : undefined;
  return {
    status,
    signal,
    stdout,
    stderr,
    files: readdirSync(home, { recursive: true }) as string[], // texts, as no `withFileTypes` is given
    connections: calls?.filter((line) => /AF_INET|AF_UNIX.*nscd|resolv/.test(line)),
  };
}
