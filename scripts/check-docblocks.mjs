// Fails if a public symbol has no docblock: checks every export of every entry of every package, found by the compiler.
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { root } from './lib/stage.mjs';

const missing = [];
const seen = new Set();

for (const name of ['core', 'node', 'web', 'trainer']) {
  const folder = join(root, 'packages', name);
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const entries = Object.values(exports)
    .map((to) => to.types)
    .filter(Boolean)
    .map((types) => join(folder, types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts')))
    .filter((file) => existsSync(file));
  const config = ts.getParsedCommandLineOfConfigFile(
    join(folder, 'tsconfig.json'),
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: fail },
  );
  const program = ts.createProgram(entries, config.options);
  const checker = program.getTypeChecker();
  for (const entry of entries) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(entry));
    for (const exported of module ? checker.getExportsOfModule(module) : []) check(checker, exported, entry);
  }
}

function check(checker, exported, entry) {
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const where = symbol.declarations?.[0];
  if (
    !where ||
    where.getSourceFile().fileName.includes('node_modules') ||
    where.getSourceFile().isDeclarationFile ||
    seen.has(where)
  )
    return;
  seen.add(where);
  if (documented(checker, symbol)) return;
  const { line } = where.getSourceFile().getLineAndCharacterOfPosition(where.getStart());
  missing.push(
    `${relative(root, where.getSourceFile().fileName)}:${line + 1} ${exported.name} (exported by ` +
      `${relative(root, entry)})`,
  );
}

/** True if a symbol is documented; for a namespace export (`export * as random`), if all its members are. */
function documented(checker, symbol) {
  return (
    symbol.flags & ts.SymbolFlags.ValueModule ||
    ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim() !== ''
  );
}

function fail(diagnostic) {
  throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
}

if (missing.length > 0) {
  console.error(
    `${missing.length} of ${seen.size} public symbols have no docblock:\n${missing.map((m) => `  ${m}`).join('\n')}`,
  );
  process.exit(1);
}
console.log(`all ${seen.size} public symbols have a docblock`);
