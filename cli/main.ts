#!/usr/bin/env node
import { enableCompileCache } from "node:module";

// Before anything else is loaded: a third of the start-up time goes into compiling otherwise.
enableCompileCache();

// node:sqlite announces itself as experimental on Node 24; every other warning stays visible.
const emitWarning = process.emitWarning.bind(process);
process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
  if (String(warning).startsWith("SQLite is an experimental feature")) return;
  Reflect.apply(emitWarning, process, [warning, ...rest]);
};

const { processIo } = await import("./io.ts");
const { run } = await import("./program.ts");

process.exitCode = await run(process.argv.slice(2), processIo());
