// npm test: the service on a free port gives a PNG, the same for the same seed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { start } from './app.mjs';

let server;
before(async () => {
  server = await start({ port: 0 });
});
after(() => server.close());

async function picture(seed) {
  const response = await fetch(`${server.url}/v1/images?seed=${seed}`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'image/png');
  return Buffer.from(await response.arrayBuffer());
}

test('a seed is a picture', async () => {
  const first = await picture(7);
  assert.equal(first.subarray(1, 4).toString(), 'PNG');
  assert.deepEqual(await picture(7), first);
  assert.notDeepEqual(await picture(8), first);
});

test('the page shows pictures', async () => {
  const page = await (await fetch(server.url)).text();
  assert.match(page, /<img src="\/v1\/images/);
});
