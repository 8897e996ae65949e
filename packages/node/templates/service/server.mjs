// npm start: serves until Ctrl-C or SIGTERM. HOST and PORT are taken from the environment.
import { start } from './app.mjs';

const { HOST: host = '127.0.0.1', PORT: port = '8080' } = process.env;
const server = await start({ host, port: Number(port) });
console.log(`Listening on ${server.url}`);
// npm passes on a Ctrl-C that the terminal sends here too: both belong to one close().
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.close());
