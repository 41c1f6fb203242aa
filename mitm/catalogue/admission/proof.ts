import type { KeyObject } from "node:crypto";
import { CertificateVerify } from "../../../dtls/wire/certificate.ts";
import { decode, encode } from "../../../dtls/wire/presentation.ts";
import { HandshakeType } from "../../../dtls/wire/registry.ts";
import type { DtlsClient } from "../../dtls/client.ts";
import { signWith } from "../../dtls/signing.ts";
import type { Credential, OutgoingMessage, Replacement } from "../../endpoint.ts";
import { refused, takeLeave } from "../../lab/at-gateway.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";
import type { Entry } from "../../lab/lab.ts";
import type { TlsClient, TlsClientOptions } from "../../tls/client.ts";
import { certificate12, certificate13 } from "../../tls/messages.ts";

/** How a CertificateVerify is to be made, where not as it should be. */
interface Signing {
  readonly key?: KeyObject;
  /** SignatureScheme */
  readonly scheme?: number;
  /** Whose context string of RFC 8446 §4.4.3; TLS 1.3 alone. */
  readonly context?: "server";
}

/** What an attack on the proof has to work with, at the moment when CertificateVerify is due. */
export interface Proof {
  /** Of the right CertificateVerify. */
  readonly scheme: number;
  readonly signature: Uint8Array;
  /** Body of a CertificateVerify over this handshake that is wrong in one respect. */
  sign(signing: Signing): Uint8Array;
}

export interface ProofOptions {
  readonly clientId?: string;
  readonly tls?: Partial<TlsClientOptions>;
  /** Messages that are left out. */
  readonly without?: readonly string[];
}

/**
 * A whole handshake with this credential, in which `prove` says what goes out in place of CertificateVerify, and the
 * application's hello after it.
 */
export async function enterProving(
  lab: GatewayLab,
  credential: Credential,
  prove: (proof: Proof) => readonly Replacement[] | undefined,
  options: ProofOptions = {},
): Promise<Entry> {
  const { without = [], tls = {}, clientId } = options;
  let proofOf: (right: Uint8Array) => Proof = () => {
    throw new Error("unreachable: the hook is asked once there is a client");
  };
  const outgoing = ({ name, body }: OutgoingMessage) => {
    if (without.includes(name)) return [];
    return name === "CertificateVerify" ? prove(proofOf(body)) : undefined;
  };
  const end = await open(lab, { ...tls, credential, outgoing });
  proofOf = (body) => {
    const { algorithm: scheme, signature } = decode("CertificateVerify", CertificateVerify, body);
    return { scheme, signature, sign: (signing) => signed(end, credential.key, scheme, signing) };
  };
  try {
    const result = await end.handshake();
    return result.completed ? await lab.hello(end, clientId) : refused(result);
  } finally {
    takeLeave(end);
  }
}

/** A CertificateVerify of this scheme and signature. */
export function certificateVerify(scheme: number, signature: Uint8Array): Replacement {
  return certificateVerifyOf(encode(CertificateVerify, { algorithm: scheme, signature }));
}

export function certificateVerifyOf(body: Uint8Array): Replacement {
  return { kind: "handshake", msgType: HandshakeType.certificate_verify, body };
}

/** A client of the transport that is attacked, which has sent nothing yet. */
function open(
  lab: GatewayLab,
  options: Partial<TlsClientOptions> & { readonly credential: Credential },
): Promise<TlsClient | DtlsClient> {
  const { credential, outgoing } = options;
  return lab.transport === "tls" ? lab.tls(options) : lab.dtls({ credential, outgoing });
}

function signed(
  end: TlsClient | DtlsClient,
  ownKey: KeyObject,
  rightScheme: number,
  { key = ownKey, scheme = rightScheme, context }: Signing,
): Uint8Array {
  if ("tls13" in end) {
    const message =
      end.tls13?.certificateVerify({ key, scheme, ...(context && { context }) }) ??
      end.tls12?.certificateVerify({ key, scheme });
    if (message === undefined) throw new Error("unreachable: a handshake is on");
    return message.body;
  }
  const signature = signWith(key, scheme, Buffer.concat(end.transcript));
  return encode(CertificateVerify, { algorithm: scheme, signature });
}

/** Body of a Certificate message with this chain, of the newest version that the lab speaks on the transport. */
export function certificateBody({ transport }: GatewayLab, chain: readonly Uint8Array[]): Uint8Array {
  return (transport === "tls" ? certificate13(chain) : certificate12(chain)).body;
}
