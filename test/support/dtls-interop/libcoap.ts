import { start } from "../programs.ts";
import { type Call, notInstalled, type Peer } from "./peer.ts";

/** What libcoap's client asks our server for, and what it prints when it is answered. */
const coapPath = "interop";
export const coapAnswer = "hello over CoAP";

/** libcoap's `coap-client-…` and `coap-server-…`, which come with either TLS library. They take no list of suites. */
export function libcoapProgram(library: "openssl" | "gnutls"): Peer {
  const client = `coap-client-${library}`;
  const server = `coap-server-${library}`;
  return {
    name: library === "openssl" ? "libcoap 4.3 on OpenSSL" : "libcoap 4.3 on GnuTLS",
    missing: notInstalled(client, server, "stdbuf"),
    speech: "coap",
    heard: new RegExp(coapAnswer),
    client(port, call) {
      // A name is resolved, and what the certificate is checked against.
      const uri = `coaps://localhost:${port}/${coapPath}`;
      const args = ["-v", "6", "-B", "15", "-m", "get", ...show(call, "device"), ...(call.flags ?? []), uri];
      return start("stdbuf", ["-oL", client, ...args]);
    },
    server(port, call) {
      const args = [
        "-A",
        "127.0.0.1",
        "-p",
        String(port),
        "-v",
        "6",
        ...show(call, "server"),
        ...(call.flags ?? []),
      ];
      return { running: start("stdbuf", ["-oL", server, ...args]), port: port + 1 };
    },
  };
}

function show(
  { credentials, credential, identity, psk = credentials.psk }: Call,
  who: "device" | "server",
): string[] {
  if (credential === "PSK")
    return who === "server" ? ["-k", psk.text, "-h", "gw"] : ["-u", psk.identity, "-k", psk.text];
  if (credential === "raw public key") return ["-M", credentials.raw[who].bothFile];
  const ca = ["-C", credentials.caFile];
  if (identity === "none") return ca;
  const evil = who === "server" ? credentials.evilServer : credentials.evilDevice;
  const { certFile, keyFile } = identity === "evil" ? evil : credentials[who][credential];
  return ["-c", certFile, "-j", keyFile, ...ca];
}
