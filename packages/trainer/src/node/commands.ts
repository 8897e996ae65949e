// The commands that the `forja` bin takes from this package.
import type { CliCommand } from '@forja/core';
import { enableProdMode } from '@tensorflow/tfjs';
import { evaluateCommand } from './evaluate-command.js';
import { exportCommand } from './export-command.js';
import { runsCommand } from './runs-command.js';
import { trainCommand } from './train-command.js';
import { verifyCommand } from './verify-command.js';

/** What `forja` can do with the trainer installed. */
export const commands: readonly CliCommand[] = [
  trainCommand,
  evaluateCommand,
  runsCommand,
  exportCommand,
  verifyCommand,
].map(quiet);

/** Without tfjs's advice to install a native backend, which it prints in Node when its own is first used. */
function quiet(command: CliCommand): CliCommand {
  return {
    ...command,
    run: (args, io) => {
      enableProdMode(); // the process is the command's own
      return command.run(args, io);
    },
  };
}
