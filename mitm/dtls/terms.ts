import {
  type ClientExtensions,
  readServerExtensions,
  type ServerExtensions,
} from "../../dtls/wire/extensions.ts";
import type { RawExtension } from "../../dtls/wire/hello.ts";
import { ExtensionType } from "../../dtls/wire/registry.ts";
import type { MessageName } from "./names.ts";
import { MessageOrder } from "./order.ts";
import type { Tolerance } from "./tolerance.ts";

/** RFC 5246 §7.3: what a client waits for. A suite without certificates has neither of the optional ones. */
export function messagesFromServer(tolerance: Tolerance, withCertificates = true): MessageOrder {
  const optional = !withCertificates;
  return new MessageOrder(
    [
      { name: "ServerHello" },
      { name: "Certificate", optional, skippedBy: "certificate-message-not-required" },
      { name: "ServerKeyExchange", optional, skippedBy: "server-key-exchange-not-required" },
      { name: "CertificateRequest", optional: true },
      { name: "ServerHelloDone" },
      { name: "ChangeCipherSpec" },
      { name: "Finished" },
    ],
    tolerance,
  );
}

/** RFC 5246 §7.3: what a server waits for after its own flight. */
export function messagesFromClient(
  tolerance: Tolerance,
  asks: { readonly certificate: boolean },
): MessageOrder {
  const optional = !asks.certificate;
  return new MessageOrder(
    [
      { name: "ClientHello" },
      { name: "Certificate", optional, skippedBy: "certificate-message-not-required" },
      { name: "ClientKeyExchange" },
      { name: "CertificateVerify", optional, skippedBy: "certificate-verify-not-required" },
      { name: "ChangeCipherSpec" },
      { name: "Finished" },
    ],
    tolerance,
  );
}

/** What a right client sends after ServerHelloDone. */
export function flightOf(requested: boolean, hasCredential: boolean): MessageName[] {
  const flight: MessageName[] = ["ClientKeyExchange", "ChangeCipherSpec", "Finished"];
  if (!requested) return flight;
  if (!hasCredential) return ["Certificate", ...flight];
  return ["Certificate", "ClientKeyExchange", "CertificateVerify", "ChangeCipherSpec", "Finished"];
}

/** What the server chose; an end without rules takes what it can read. */
export function answerOf(
  raw: readonly RawExtension[] | undefined,
  offered: ClientExtensions,
  tolerance: Tolerance,
): ServerExtensions {
  if (!tolerance.isAttacker) return readServerExtensions(raw, offered, true);
  const readable: ReadonlySet<number> = new Set([
    ExtensionType.extended_master_secret,
    ExtensionType.connection_id,
  ]);
  const all = { ...offered, extendedMasterSecret: true as const, connectionId: new Uint8Array() };
  return readServerExtensions(
    raw?.filter(({ extensionType }) => readable.has(extensionType)),
    all,
    true,
  );
}
