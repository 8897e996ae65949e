// Runs one part of bench:gpu in this process: `node part.mjs <name> <options as JSON>`. Each finding is a line of JSON
// on stdout, so that earlier findings survive if the process dies.
const [name, options] = process.argv.slice(2);
const print = (finding) => console.log(JSON.stringify(finding));
const { default: part } = await import(`./${name}.mjs`);
await part(JSON.parse(options), print);
process.exit(0); // even if a driver's threads are running
