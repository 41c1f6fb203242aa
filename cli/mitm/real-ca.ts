import type { KeyObject } from "node:crypto";
import { LabPki } from "../../mitm/index.ts";
import type { AttackIssuer } from "../../pki/authority/index.ts";
import { parseCertificates } from "../../pki/index.ts";
import { CliError } from "../errors.ts";
import { type IssuingKeyOptions, openAuthorityToSign, openAuthorityWithoutKey } from "../open-authority.ts";
import type { Session } from "../verb.ts";

export interface RealCaOptions extends IssuingKeyOptions {
  /** The subject of the issuing CA, as the person in front of it typed it. */
  readonly confirm: string | undefined;
  /** Ids of the devices that certificates may be made for, and whose names may stand in them. */
  readonly devices: readonly string[];
  /** Whether certificates may be made that could pass for the gateway's. */
  readonly gateway: boolean;
  /** The gateway's private key, where devices pin it. Default: a new one. */
  readonly gatewayKey?: KeyObject;
}

export interface RealCa {
  readonly pki: LabPki;
  /** How many certificates it was made to sign. */
  readonly signed: number;
  /** Revokes everything that was signed, once. To be called however the run ends. */
  close(): Promise<void>;
}

/**
 * Lets the lab sign with the CA that a state directory holds. Without its exact name as the confirmation nothing is
 * opened for signing; with it, certificates live for an hour at most, are in the inventory and the audit log, and are
 * revoked by `close`. Throws CLI_USAGE, and PkiError as `Authority.dangerouslyIssueForAttacks` does.
 */
export async function openRealCa(session: Session, options: RealCaOptions): Promise<RealCa> {
  const { devices, gateway, gatewayKey } = options;
  assertConfirmed(session, options);
  const authority = await openAuthorityToSign(session, options);
  try {
    const issuer = await authority.dangerouslyIssueForAttacks({
      purpose: "sallyport mitm",
      devices,
      gateway,
    });
    const [, ...presented] = parseCertificates(authority.chainPem(authority.issuing));
    const above = presented.filter(({ fingerprint }) => fingerprint !== authority.issuing.fingerprint);
    const pki = await LabPki.fromIssuer({
      trustDomain: authority.trustDomain,
      anchors: [authority.root.der],
      issuing: [authority.issuing.der, ...above.map(({ der }) => der)],
      signer: issuer.signerFor(),
      ...(gatewayKey && { gatewayKey }),
    });
    let closing: Promise<void> | undefined;
    return {
      pki,
      get signed() {
        return issuer.signed;
      },
      close() {
        closing ??= closed(issuer, authority);
        return closing;
      },
    };
  } catch (error) {
    authority.close();
    throw error;
  }
}

/** Before anybody is asked for a passphrase. */
function assertConfirmed(session: Session, options: RealCaOptions): void {
  const authority = openAuthorityWithoutKey(session, options);
  try {
    const name = authority.issuing.subject.toString();
    if (options.confirm !== name) throw unconfirmed(name, options);
  } finally {
    authority.close();
  }
}

async function closed(issuer: AttackIssuer, authority: { close(): void }): Promise<void> {
  try {
    await issuer.close();
  } finally {
    authority.close();
  }
}

function unconfirmed(name: string, { dir, devices, gateway, confirm }: RealCaOptions): CliError {
  const whom = [...devices, ...(gateway ? ["the gateway"] : [])].join(", ");
  const typed = confirm === undefined ? "" : ` What was typed is ${JSON.stringify(confirm.slice(0, 200))}.`;
  return new CliError(
    "CLI_USAGE",
    `this signs wrong certificates for ${whom} with the real CA in ${dir}, which whoever trusts it may take for good. They ` +
      "live for an hour at most, are in the inventory and the audit log, and are revoked at the end. If that is what you " +
      `want, type the CA's name after the option: ${JSON.stringify(name)}.${typed}`,
  );
}
