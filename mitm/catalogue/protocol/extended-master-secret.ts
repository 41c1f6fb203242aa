import type { OutgoingHook } from "../../endpoint.ts";
import { editClientHello, withExtension } from "../../tls/messages.ts";
import { ExtensionType } from "../../tls/numbers.ts";

/** A ClientHello without extended_master_secret (RFC 7627 §5.1). */
export const withoutExtendedMasterSecret: OutgoingHook = ({ name, msgType = 0, body }) => {
  if (name !== "ClientHello") return undefined;
  const changed = editClientHello(body, ({ extensions }) => ({
    extensions: withExtension(extensions, ExtensionType.extended_master_secret, undefined),
  }));
  return [{ kind: "handshake", msgType, body: changed, note: "without extended_master_secret" }];
};
