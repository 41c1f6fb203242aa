import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { start } from "../programs.ts";
import type { Call, Peer } from "./peer.ts";

const escript = "escript";
const program = fileURLToPath(new URL("erlang-peer.escript", import.meta.url));

/** A script of ours on Erlang's ssl application: the one with most of the ECDHE_PSK suites. */
export const erlangProgram: Peer = {
  name: "Erlang 25",
  missing: whyNot(),
  speech: "lines",
  heard: /^ping$/m,
  client(port, call) {
    return start(escript, [program, "client", String(port), suiteOf(call), ...show(call, "device")]);
  },
  server(port, call) {
    const args = [program, "server", String(port), suiteOf(call), ...show(call, "server")];
    return { running: start(escript, args), port };
  },
};

function suiteOf({ suite, credential }: Call): string {
  if (suite !== undefined) return suite.name;
  return credential === "PSK" ? "TLS_PSK_WITH_AES_128_CCM_8" : "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
}

function show(
  { credentials, credential, identity, psk = credentials.psk }: Call,
  who: "device" | "server",
): string[] {
  if (credential === "PSK") return ["psk", psk.identity, psk.hex];
  // It has no raw public keys: the key in its certificate is the nearest thing.
  const kind = credential === "raw public key" ? "P-256" : credential;
  const evil = who === "server" ? credentials.evilServer : credentials.evilDevice;
  const { certFile, keyFile } = identity === "evil" ? evil : credentials[who][kind];
  return ["certificate", certFile, keyFile, credentials.caFile];
}

/** escript comes with Erlang's base; the ssl application is a package of its own. */
function whyNot(): string {
  const { error, status } = spawnSync(escript, [program, "check"]);
  if (error !== undefined) return `${escript} is not installed`;
  return status === 0 ? "" : "erlang-ssl is not installed";
}
