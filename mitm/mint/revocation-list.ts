import type { KeyObject } from "node:crypto";
import { Tag } from "../../pki/der/tag.ts";
import { constructed, encoded, explicit, integer, sequence, time } from "../../pki/der/writer.ts";
import { keyIdentifierOf, makeExtension, parseCertificate, type RawExtension } from "../../pki/index.ts";
import { hour } from "./certificate.ts";
import { type Issuer, signedWith } from "./issuer.ts";

export interface RevocationListOptions {
  readonly issuer?: Issuer;
  /** Certificates (DER) or serial numbers (hex). */
  readonly revoked?: ReadonlyArray<Uint8Array | string>;
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date;
  readonly number?: number;
  readonly extensions?: readonly RawExtension[];
  /** Signs in place of the issuer: a forgery. */
  readonly signWith?: KeyObject;
}

/** A complete CRL of version 2 (RFC 5280 §5.1), DER, with nothing checked. */
export async function makeRevocationList(
  issuer: Issuer,
  options: RevocationListOptions,
): Promise<Uint8Array> {
  const now = Date.now();
  const thisUpdate = options.thisUpdate ?? new Date(now - hour);
  const revoked = (options.revoked ?? []).map((entry) => {
    const hex = typeof entry === "string" ? entry : parseCertificate(entry).serialNumber;
    return sequence(integer(Buffer.from(hex, "hex")), time(thisUpdate));
  });
  const extensions = [
    makeExtension.authorityKeyIdentifier(keyIdentifierOf(issuer.publicKeyInfo)),
    makeExtension.cRLNumber(options.number ?? 2),
    ...(options.extensions ?? []),
  ];
  const tbs: Parameters<Issuer["sign"]>[0] = (identifier) =>
    sequence(
      integer(1),
      identifier,
      encoded(issuer.name.der),
      time(thisUpdate),
      time(options.nextUpdate ?? new Date(now + 23 * hour)),
      revoked.length === 0 ? undefined : constructed(Tag.SEQUENCE, revoked),
      explicit(0, sequence(...extensions.map(makeExtension.extensionNode))),
    );
  return options.signWith === undefined ? issuer.sign(tbs) : signedWith(options.signWith, tbs);
}
