import { fileURLToPath } from "node:url";
import { start } from "../programs.ts";
import type { Peer } from "./peer.ts";

const program = fileURLToPath(new URL("node-dtls-client-process.ts", import.meta.url));

/** The npm package, in a process of its own: a client that knows pre-shared keys alone. */
export const nodeDtlsClient: Peer = {
  name: "node-dtls-client 2.0",
  missing: "",
  speech: "lines",
  heard: /^ping$/m,
  client(port, { credentials, psk = credentials.psk, suite }) {
    const args = [program, String(port), psk.identity, psk.text];
    return start(process.execPath, suite === undefined ? args : [...args, suite.name]);
  },
};
