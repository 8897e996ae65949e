// One part of bench:gpu, in a process of its own: `node part.mjs <name> <options as JSON>`. Each finding is a line of
// JSON on stdout, so that what was found stays when the process dies.
const [name, options] = process.argv.slice(2);
const say = (finding) => console.log(JSON.stringify(finding));
const { default: part } = await import(`./${name}.mjs`);
await part(JSON.parse(options), say);
process.exit(0); // whatever a driver's threads still do
