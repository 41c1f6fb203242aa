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
const { run, sayLostOutput } = await import("./program.ts");

const args = process.argv.slice(2);
const io = processIo((error) => sayLostOutput(error, args, io));
process.exitCode = await run(args, io);
