import type { DeviceLab } from "../../lab/device-lab.ts";
import type { Entry } from "../../lab/lab.ts";
import type { TlsVersion } from "../../tls/numbers.ts";
import { helloOver } from "./at-version.ts";

/** Leaves out the gateway's Finished, says something in the session that is not there yet, and looks whether the device answers. */
export async function speakWithoutFinished(lab: DeviceLab, version: TlsVersion): Promise<Entry> {
  const server = await lab.acceptTls({
    versions: [version],
    outgoing: ({ name }) => (name === "Finished" ? [] : undefined),
  });
  const say = () =>
    server.send(Uint8Array.of(0xd0, 0), { attack: true, note: "PINGRESP, where Finished should have been" });
  const failed = await helloOver(server, version);
  // In TLS 1.3 a server's Finished is due in its first flight, in TLS 1.2 in its second.
  if (failed === undefined && version === "TLS 1.3") say();
  const result = failed ?? (await server.finish());
  if (!result.completed) return { admitted: false, ...result };
  if (version === "TLS 1.2") say();
  return lab.trusts(server);
}
