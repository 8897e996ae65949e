#!/usr/bin/env node
// The command `forja`. The work is in cli/main.ts.
import { main } from './cli/main.js';
import { reasonOf } from './files/reason.js';
import { hasCode } from './has-code.js';

// `forja inspect model.onnx | head` closes the pipe early, which is not an error; a full disk is.
process.stdout.on('error', (error) => {
  if (hasCode(error, 'EPIPE')) process.exit(0);
  process.stderr.write(`error: cannot write standard output: ${reasonOf(error)} [io]\n`);
  process.exit(1);
});
process.stderr.on('error', () => undefined); // nowhere left to report it

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code; // not exit(): output may still be pending
});
