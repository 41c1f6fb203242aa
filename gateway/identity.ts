import { type Certificate, type Identity, readIdentity, type ValidatedPath } from "../pki/index.ts";
import { type RefusalReason, refusal } from "./errors.ts";
import type { AuthenticatedPeer } from "./peer.ts";
import { asRefusal } from "./trust.ts";

/** What the gateway asks of the inventory. Ids are unique over devices and operators together. */
export interface DeviceRegistry {
  device(id: string): RegisteredDevice | undefined;
  /** By the lower-case hex SHA-256 of the certificate. */
  certificate(fingerprint: string): RegisteredCertificate | undefined;
  certificatesOf(id: string, kind: "device" | "operator"): readonly RegisteredCertificate[];
  /** Differs after every change of what the other methods answer, by whichever process. */
  changeCounter(): number;
}

export interface RegisteredDevice {
  readonly kind: "device" | "operator";
  readonly group?: string;
  readonly status: "active" | "retired";
}

export interface RegisteredCertificate {
  readonly identityKind: string;
  readonly identityId: string;
  readonly revokedAt?: Date;
}

/** Who a session belongs to. Made from the certificate and the inventory, from nothing that MQTT says. */
export interface DeviceIdentity {
  readonly kind: "device" | "operator";
  readonly id: string;
  readonly group: string | undefined;
  readonly trustDomain: string;
  readonly fingerprint: string;
  readonly notAfter: Date;
}

/**
 * The identity of a peer. Whatever is not known to be good is refused: the certificate must be in the inventory
 * under the very identity that it names, not revoked, not expired, and its device active.
 * @throws GatewayError GATEWAY_REFUSED with the reason
 */
export function identify(
  peer: AuthenticatedPeer,
  registry: DeviceRegistry,
  now: Date,
  trustDomain?: string,
): DeviceIdentity {
  return identityOf(peer.leaf, registry, now, trustDomain);
}

/**
 * As `identify`, for a path whose owner has still to finish its handshake: says whether it would be let in then, and
 * gives nobody an identity. @throws GatewayError GATEWAY_REFUSED with the reason
 */
export function assertAdmissible(
  path: ValidatedPath,
  registry: DeviceRegistry,
  now: Date,
  trustDomain?: string,
): void {
  identityOf(path.leaf, registry, now, trustDomain);
}

function identityOf(
  leaf: Certificate,
  registry: DeviceRegistry,
  now: Date,
  trustDomain: string | undefined,
): DeviceIdentity {
  if (now.getTime() > leaf.notAfter.getTime()) throw refusal("certificate_expired");
  const named = identityIn(leaf);
  if (trustDomain !== undefined && named.trustDomain !== trustDomain) {
    throw refusal(
      "wrong_trust_domain",
      `the certificate belongs to ${named.trustDomain}, not to ${trustDomain}`,
    );
  }
  const certificate = registry.certificate(leaf.fingerprint);
  if (certificate === undefined) throw refusal("certificate_unknown");
  if (certificate.identityKind !== named.kind || certificate.identityId !== named.id) {
    throw refusal("certificate_identity_differs");
  }
  if (certificate.revokedAt !== undefined) {
    throw refusal(
      "certificate_revoked",
      `the certificate was revoked at ${certificate.revokedAt.toISOString()}`,
    );
  }
  const device = registry.device(named.id);
  if (device === undefined || device.kind !== named.kind) throw refusal("device_unknown");
  if (device.status !== "active")
    throw refusal("device_inactive", `${named.kind} ${named.id} is ${device.status}`);
  return {
    ...named,
    group: device.group,
    fingerprint: leaf.fingerprint,
    notAfter: leaf.notAfter,
  };
}

/** The id a refused peer claims, for the event that tells of it; undefined where its certificate names none. */
export function claimedIdentity(leaf: Certificate): string | undefined {
  try {
    return readIdentity(leaf).id;
  } catch {
    return undefined;
  }
}

/**
 * Why a device may hold nothing in the gateway any more, no session, will or retained message; undefined as long
 * as it may. One certificate of several being revoked, as after a renewal, does not end a device.
 */
export function endOfDevice(registry: DeviceRegistry, id: string): RefusalReason | undefined {
  const device = registry.device(id);
  if (device === undefined) return "device_unknown";
  if (device.status !== "active") return "device_inactive";
  const certificates = registry.certificatesOf(id, device.kind);
  const allRevoked = certificates.length > 0 && certificates.every((one) => one.revokedAt !== undefined);
  return allRevoked ? "certificate_revoked" : undefined;
}

function identityIn(leaf: Certificate): Identity {
  try {
    return readIdentity(leaf);
  } catch (error) {
    throw asRefusal(error);
  }
}
