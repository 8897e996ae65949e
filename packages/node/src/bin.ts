#!/usr/bin/env node
// The command `forja`. The work is in cli/main.ts.
import { main } from './cli/main.js';

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code; // not exit(): output may still be on its way
});
