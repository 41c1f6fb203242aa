/** Our echo server in a process of its own: told by one JSON argument, reports its port over IPC, ends when told to. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "../../../dtls/index.ts";
import type { OurServerSettings } from "./servers.ts";

const settings: OurServerSettings = JSON.parse(process.argv[2] ?? "{}");
const endpoint = listen(
  (session) => {
    session.on("message", (data) => session.send(data));
  },
  {
    port: 0,
    cert: readFileSync(settings.certificate),
    key: readFileSync(settings.key),
    ca: readFileSync(settings.ca),
    ciphers: ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"],
    groups: ["secp256r1"],
    maxSessions: 100_000,
    maxSessionsPerHost: 100_000,
    udpReceiveBufferSize: 4 << 20,
  },
);
await endpoint.ready;

process.on("disconnect", () => process.exit(0));
process.on("message", (message) => {
  // A normal exit writes the CPU profile.
  if (message === "stop") process.exit(0);
  if (message === "settle") void settle();
});
process.send?.({ port: endpoint.address?.port });

/** What is garbage is not memory of an association. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await sleep(50);
  }
  process.send?.("settled");
}
