import type { Suite } from "../../../dtls/crypto/suites.ts";
import { start } from "../programs.ts";
import { type Call, notInstalled, type Peer, startAndSay } from "./peer.ts";

export interface GnutlsCall extends Call {
  /** Put at the end of the priority string. */
  readonly priority?: string;
}

/** GnuTLS's own programs, `gnutls-cli` and `gnutls-serv`. */
export const gnutlsProgram: Peer = {
  name: "GnuTLS 3.7",
  missing: notInstalled("gnutls-cli", "gnutls-serv", "stdbuf"),
  speech: "lines",
  heard: /^ping$/m,
  client(port, call: GnutlsCall) {
    const to = [
      "-p",
      String(port),
      "127.0.0.1",
      "--sni-hostname",
      "localhost",
      "--verify-hostname",
      "localhost",
    ];
    const args = [
      "-oL",
      "gnutls-cli",
      "--udp",
      ...to,
      ...trust(call, "client"),
      ...show(call, "device"),
      ...chosen(call),
    ];
    return startAndSay("stdbuf", args, /Handshake was completed/);
  },
  server(port, call: GnutlsCall) {
    const at = ["--udp", "--echo", "-p", String(port)];
    const args = [
      "-oL",
      "gnutls-serv",
      ...at,
      ...trust(call, "server"),
      ...show(call, "server"),
      ...chosen(call),
    ];
    return { running: start("stdbuf", args), port };
  },
};

/** The programs verify certificates alone: they ask for a raw public key and take any. */
function trust({ credentials, credential }: Call, role: "client" | "server"): string[] {
  if (credential === "PSK") return [];
  if (credential === "raw public key") return role === "server" ? ["--require-client-cert"] : ["--insecure"];
  const demand = role === "server" ? ["--require-client-cert", "--verify-client-cert"] : [];
  return ["--x509cafile", credentials.caFile, ...demand];
}

function show(
  { credentials, credential, identity, psk = credentials.psk }: Call,
  who: "device" | "server",
): string[] {
  if (credential === "PSK") {
    return who === "server"
      ? ["--pskpasswd", psk.file]
      : ["--pskusername", psk.identity, "--pskkey", psk.hex];
  }
  if (identity === "none") return [];
  if (credential === "raw public key") {
    const { keyFile, publicFile } = credentials.raw[identity ?? who];
    return ["--rawpkkeyfile", keyFile, "--rawpkfile", publicFile];
  }
  const evil = who === "server" ? credentials.evilServer : credentials.evilDevice;
  const { certFile, keyFile } = identity === "evil" ? evil : credentials[who][credential];
  return ["--x509certfile", certFile, "--x509keyfile", keyFile];
}

const groups = { x25519: "X25519", secp256r1: "SECP256R1", secp384r1: "SECP384R1" } as const;

function chosen({ credential, suite, group, mtu, priority = "", flags = [] }: GnutlsCall): string[] {
  const types = credential === "raw public key" ? "+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK" : "+CTYPE-X509";
  const named = group === undefined ? "ALL" : groups[group];
  const common = `+VERS-DTLS1.2:+AEAD:+SIGN-ALL:+GROUP-${named}:+COMP-NULL:${types}`;
  return [
    "--priority",
    `NONE:${common}:${keyExchanges(credential, suite)}:${ciphers(suite)}${priority}`,
    ...(mtu === undefined ? [] : ["--mtu", String(mtu)]),
    ...flags,
  ];
}

function keyExchanges(credential: Call["credential"], suite: Suite | undefined): string {
  if (suite !== undefined) return `+${suite.keyExchange.replace("_", "-")}`;
  return credential === "PSK" ? "+PSK:+ECDHE-PSK" : "+ECDHE-ECDSA:+ECDHE-RSA";
}

function ciphers(suite: Suite | undefined): string {
  if (suite === undefined) return "+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-CCM:+AES-128-CCM-8";
  const [, cipher = ""] = /_WITH_(.+?)(?:_SHA\d+)?$/.exec(suite.name) ?? [];
  return `+${cipher.replaceAll("_", "-")}`;
}
