#!/usr/bin/env node
// The command's entry. An installed package holds JavaScript in dist/; a clone holds TypeScript that Node runs
// as it is, so that a clone needs no build. Plain old JavaScript here: an outdated Node must get as far as the
// message below.
import { existsSync } from "node:fs";

const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(
    `sallyport: Node 24 or later is needed, this is ${process.version}; install it from https://nodejs.org, ` +
      "or in a clone use `npx sallyport`, which runs the Node that `npm ci` installed\n",
  );
  process.exit(1);
}
const source = new URL("../cli/main.ts", import.meta.url);
await import((existsSync(source) ? source : new URL("../dist/cli/main.js", import.meta.url)).href);
