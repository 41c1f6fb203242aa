import { NotApplicable } from "../../errors.ts";
import type { DeviceLab } from "../../lab/device-lab.ts";
import type { TlsServerOptions } from "../../tls/server.ts";

/**
 * An attack over one version of TLS says something only about a device that goes on over it with an honest gateway.
 * @throws NotApplicable where it does not
 */
export async function requireVersion(
  lab: DeviceLab,
  options: Required<Pick<TlsServerOptions, "versions">>,
): Promise<void> {
  if (lab.transport !== "tls") return;
  const end = await lab.acceptTls(options);
  const result = await end.handshake();
  end.destroy();
  if (!result.completed) {
    throw new NotApplicable(`the device does not go on over ${options.versions.join()}: ${result.how}`);
  }
}
