import { buildPeer } from "../dtls-peers/build.ts";
import type { Library } from "../dtls-peers/newer-packages.ts";
import { start } from "../programs.ts";
import type { PeerName } from "./names.ts";
import type { Call, Peer } from "./peer.ts";

/** Our own small programs on a C library: Debian's own version of it, or a newer one. */
export async function cPeer(name: PeerName, library: Library, newer: boolean): Promise<Peer> {
  const built = await buildPeer(library, { newer });
  const program = "program" in built ? built.program : "";
  return {
    name,
    missing: "whyNot" in built ? built.whyNot : "",
    speech: "lines",
    heard: /^echo \d+$/m,
    client(port, call) {
      const to = ["--port", String(port), "--timeout", "15000"];
      const args = ["client", ...to, ...show(call, "device"), ...groupsOf(name, call), ...chosen(call)];
      return start(program, args);
    },
    server(port, call) {
      const at = ["--port", String(port)];
      return { running: start(program, ["server", ...at, ...show(call, "server"), ...chosen(call)]), port };
    },
  };
}

function show(
  { credentials, credential, identity, psk = credentials.psk }: Call,
  who: "device" | "server",
): string[] {
  if (credential === "PSK") return ["--psk-identity", psk.identity, "--psk", psk.hex];
  if (credential === "raw public key") {
    const other = who === "server" ? "device" : "server";
    const shown = identity === "evil" ? "evil" : who;
    return ["--key", credentials.raw[shown].keyFile, "--raw-public-key", credentials.raw[other].publicFile];
  }
  const ca = ["--ca", credentials.caFile];
  if (identity === "none") return ca;
  const evil = who === "server" ? credentials.evilServer : credentials.evilDevice;
  const { certFile, keyFile } = identity === "evil" ? evil : credentials[who][credential];
  return ["--cert", certFile, "--key", keyFile, ...ca];
}

/** wolfSSL 5.5 as a client does ECDHE_PSK on P-256 alone. */
function groupsOf(name: PeerName, { credential }: Call): string[] {
  return name === "wolfSSL 5.5" && credential === "PSK" ? ["--groups", "secp256r1"] : [];
}

function chosen({ suite, group, mtu, flags = [] }: Call): string[] {
  return [
    ...(suite === undefined ? [] : ["--suites", suite.name]),
    ...(group === undefined ? [] : ["--groups", group]),
    ...(mtu === undefined ? [] : ["--mtu", String(mtu)]),
    ...flags,
  ];
}
