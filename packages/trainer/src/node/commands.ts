// The commands that this package adds to the `forja` bin.
import type { CliCommand } from '@forja/core';
import { enableProdMode } from '@tensorflow/tfjs';
import { augmentCommand } from './augment-command.js';
import { evaluateCommand } from './evaluate-command.js';
import { exportCommand } from './export-command.js';
import { runsCommand } from './runs-command.js';
import { trainCommand } from './train-command.js';
import { verifyCommand } from './verify-command.js';

/** Commands of `forja` that need the trainer. */
export const commands: readonly CliCommand[] = [
  trainCommand,
  evaluateCommand,
  runsCommand,
  exportCommand,
  verifyCommand,
  augmentCommand,
].map(quiet);

/** Suppresses tfjs's advice to install a native backend. */
function quiet(command: CliCommand): CliCommand {
  return {
    ...command,
    run: (args, io) => {
      enableProdMode(); // this affects the whole process, which runs only this command
      return command.run(args, io);
    },
  };
}
