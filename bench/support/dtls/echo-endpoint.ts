import { readFileSync } from "node:fs";
import { type ListenOptions, listen } from "../../../dtls/index.ts";
import type { OurServerSettings } from "./servers.ts";

/** What our server does, in the main thread or in each of several. */
export async function listenAndEcho({
  certificate,
  key,
  ca,
  ...options
}: OurServerSettings & Pick<ListenOptions, "port" | "worker">): Promise<{ readonly port: number }> {
  const { port, worker } = options;
  const endpoint = listen(
    (session) => {
      session.on("message", (data) => session.send(data));
    },
    {
      port,
      worker,
      cert: readFileSync(certificate),
      key: readFileSync(key),
      ca: readFileSync(ca),
      ciphers: ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"],
      groups: ["secp256r1"],
      maxSessions: 100_000,
      maxSessionsPerHost: 100_000,
      udpReceiveBufferSize: 4 << 20,
    },
  );
  return await endpoint.ready;
}
