import { type Running, start } from "../programs.ts";
import { type Call, notInstalled, type Peer, startAndSay } from "./peer.ts";

/** OpenSSL's own programs, `s_client` and `s_server`. */
export const opensslProgram: Peer = {
  name: "OpenSSL 3.0",
  missing: notInstalled("openssl"),
  speech: "lines",
  heard: /^ping$/m,
  client(port, call) {
    const to = ["-connect", `127.0.0.1:${port}`, "-servername", "localhost", "-verify_hostname", "localhost"];
    const args = [
      "s_client",
      "-dtls1_2",
      ...to,
      ...trust(call, "client"),
      ...show(call, "device"),
      ...chosen(call),
    ];
    return startAndSay("openssl", args, /Extended master secret: (yes|no)/);
  },
  server(port, call) {
    const at = ["-accept", `127.0.0.1:${port}`];
    const args = [
      "s_server",
      "-dtls1_2",
      ...at,
      ...trust(call, "server"),
      ...show(call, "server"),
      ...chosen(call),
    ];
    return { running: echoing(start("openssl", args)), port };
  },
};

/** s_server shows what it hears and sends what it reads: here it reads what it showed. */
function echoing(running: Running): Running {
  const look = (chunk: Buffer) => {
    if (/^ping$/m.test(chunk.toString())) running.child.stdin?.write("ping\n");
  };
  running.child.stdout?.on("data", look);
  return running;
}

function trust({ credentials, credential }: Call, role: "client" | "server"): string[] {
  if (credential === "PSK") return [];
  const demand = role === "server" ? ["-Verify", "2"] : [];
  return ["-CAfile", credentials.caFile, "-verify_return_error", ...demand];
}

function show(
  { credentials, credential, identity, psk = credentials.psk }: Call,
  who: "device" | "server",
): string[] {
  if (credential === "PSK") {
    const key = ["-psk_identity", psk.identity, "-psk", psk.hex];
    return who === "server" ? ["-nocert", ...key] : key;
  }
  if (identity === "none") return [];
  const evil = who === "server" ? credentials.evilServer : credentials.evilDevice;
  // It has no raw public keys: the key in its certificate is the nearest thing.
  const kind = credential === "raw public key" ? "P-256" : credential;
  const { certFile, keyFile } = identity === "evil" ? evil : credentials[who][kind];
  return ["-cert", certFile, "-key", keyFile];
}

const groups = { x25519: "X25519", secp256r1: "P-256", secp384r1: "P-384" } as const;

/** Security level 0, since OpenSSL counts the eight-byte tag of CCM_8 as 64 bits. */
function chosen({ credential, suite, group, mtu, flags = [] }: Call): string[] {
  const any = credential === "PSK" ? "PSK" : "DEFAULT";
  return [
    "-cipher",
    `${suite?.opensslName ?? any}@SECLEVEL=0`,
    ...(group === undefined ? [] : ["-groups", groups[group]]),
    ...(mtu === undefined ? [] : ["-mtu", String(mtu)]),
    ...flags,
  ];
}
