// The list that generators.ts makes at build time.
declare module 'virtual:generators' {
  const list: readonly import('./entry.js').Entry[];
  export default list;
}
