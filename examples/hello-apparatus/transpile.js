// transpile.js FROM TO: TypeScript without its types, for a Node that does not run it by itself.
const { readFileSync, writeFileSync } = require("fs");
const ts = require("/usr/share/nodejs/typescript");
const options = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2021, esModuleInterop: true };
const out = ts.transpileModule(readFileSync(process.argv[2], "utf8"), { compilerOptions: options, reportDiagnostics: true });
if (out.diagnostics.length > 0) throw new Error(ts.formatDiagnostics(out.diagnostics, ts.createCompilerHost(options)));
writeFileSync(process.argv[3], out.outputText);
