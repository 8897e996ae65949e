#!/usr/bin/env node
// The command `forja`. The work is in cli/main.ts.
import { main } from './cli/main.js';

// `forja inspect model.onnx | head` ends the pipe early; that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code; // not exit(): output may still be on its way
});
