// A small balancer for tests: turns between the replicas that say they are ready, as Kubernetes does, and tells what
// became of each request. Answers are passed on whole.
import { once } from 'node:events';
import { Agent, createServer, request, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A replica as the balancer sees it. */
export interface Replica {
  url: string;
  ready: boolean;
  /** Requests that it is to answer now. */
  inside: number;
  /** Whole answers. */
  answered: number;
  /** Refused connections: nothing was sent. */
  refused: number;
  /** Connections that broke before the answer was whole: what became of the request is not known. */
  broken: number;
}

/** The balancer. */
export interface Balancer {
  url: string;
  replicas: readonly Replica[];
  /** Resolves once `done` is true of the replicas; looked at after each event. */
  until(done: () => boolean): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts a balancer before services at `urls`. A refused connection is always tried elsewhere; with `idempotent`, so is
 * a request whose connection broke. What is left is answered with 502.
 */
export async function startBalancer(
  urls: readonly string[],
  { idempotent }: { idempotent: boolean },
): Promise<Balancer> {
  const replicas = urls.map((url) => ({ url, ready: true, inside: 0, answered: 0, refused: 0, broken: 0 }));
  const agent = new Agent({ keepAlive: true });
  const waiting = new Set<() => void>();
  const news = (): void => waiting.forEach((look) => look());
  let turn = 0;
  const next = (tried: ReadonlySet<Replica>): Replica | undefined => {
    const left = replicas.filter((one) => one.ready && !tried.has(one));
    return left[turn++ % left.length];
  };

  const probe = async (replica: Replica): Promise<void> => {
    replica.ready = await ask(`${replica.url}/v2/health/ready`, 'GET', {}, undefined).then(
      ({ status }) => status === 200,
      () => false,
    );
    news();
  };
  let probing = true;
  const probes = replicas.map(async (replica) => {
    while (probing) {
      await probe(replica);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  const forward = async (path: string, method: string, headers: IncomingHttpHeaders, body: Buffer) => {
    const tried = new Set<Replica>();
    for (let replica = next(tried); replica; replica = next(tried)) {
      tried.add(replica);
      replica.inside++;
      news();
      try {
        const answer = await ask(replica.url + path, method, headers, body, agent);
        replica.answered++;
        return answer;
      } catch (error) {
        const refused = Object(error).code === 'ECONNREFUSED';
        replica[refused ? 'refused' : 'broken']++;
        if (!refused && !idempotent) break;
      } finally {
        replica.inside--;
        news();
      }
    }
    return { status: 502, headers: {}, bytes: Buffer.from('no replica answered') };
  };

  const server = createServer((incoming, outgoing) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const { url = '/', method = 'GET', headers } = incoming;
      void forward(url, method, headers, Buffer.concat(parts)).then(({ status, headers: given, bytes }) => {
        outgoing.writeHead(status, { 'content-type': given['content-type'] ?? 'text/plain' });
        outgoing.end(bytes);
      });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    replicas,
    until: (done) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!done()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    close: async () => {
      probing = false;
      await Promise.all(probes);
      agent.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** One request and its whole answer; rejects if the connection is refused or breaks. */
function ask(
  url: string,
  method: string,
  headers: IncomingHttpHeaders,
  body: Buffer | undefined,
  agent?: Agent,
): Promise<{ status: number; headers: IncomingHttpHeaders; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const { 'content-type': type = 'text/plain' } = headers;
    const made = request(url, { method, headers: { 'content-type': type }, ...(agent ? { agent } : {}) }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({ status: answer.statusCode!, headers: answer.headers, bytes: Buffer.concat(parts) }),
      );
    });
    made.on('error', reject);
    made.end(body);
  });
}
