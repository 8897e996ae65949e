// Runs the type checker on folders with a tsconfig.json: `node scripts/lib/check-types.mjs <folder> [others…]`. Checks
// the files of the first folder and files that no configuration lists; files of the other folders are only read. Prints
// the same messages as tsc.
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './stage.mjs';

const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (fault) => print([fault]) };
const configOf = (folder) => ts.getParsedCommandLineOfConfigFile(join(root, folder, 'tsconfig.json'), {}, host);

const [folder, ...others] = process.argv.slice(2);
const { fileNames, options, errors, projectReferences } = configOf(folder);
const own = new Set(fileNames);
const foreign = new Set(others.flatMap((other) => configOf(other).fileNames).filter((file) => !own.has(file)));

const program = ts.createProgram({
  rootNames: fileNames,
  options,
  projectReferences,
  configFileParsingDiagnostics: errors,
});
const due = program.getSourceFiles().filter((file) => !file.isDeclarationFile || own.has(file.fileName));
const found = [
  ...errors,
  ...program.getSyntacticDiagnostics(),
  ...program.getOptionsDiagnostics(),
  ...program.getGlobalDiagnostics(),
  ...due
    .filter((file) => !foreign.has(file.fileName))
    .flatMap((file) => [
      ...program.getSemanticDiagnostics(file),
      ...(options.declaration ? program.getDeclarationDiagnostics(file) : []),
    ]),
];
print(ts.sortAndDeduplicateDiagnostics(found));
process.exitCode = found.length > 0 ? 1 : 0;

function print(diagnostics) {
  process.stdout.write(
    ts.formatDiagnostics(diagnostics, {
      getCanonicalFileName: (file) => file,
      getCurrentDirectory: () => root,
      getNewLine: () => '\n',
    }),
  );
}
