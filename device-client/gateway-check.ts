import { timingSafeEqual } from "node:crypto";
import { checkServerIdentity as nodeNameCheck, type TLSSocket } from "node:tls";
import {
  type Certificate,
  type CertificateList,
  parseCertificate,
  spkiPin,
  type ValidatedPath,
  validatePath,
} from "../pki/index.ts";
import { codeOf, DeviceError, textOf } from "./errors.ts";

export interface GatewayRules {
  /** DNS name or IP address that the gateway's subjectAltName must carry. */
  readonly serverName: string;
  readonly anchors: readonly Certificate[];
  /** Empty: no pinning. */
  readonly pins: readonly string[];
  readonly crls: readonly CertificateList[];
  readonly revocation: "when-available" | "require";
  readonly now: () => Date;
}

/** Longest chain that is looked at; path validation has bounds of its own. */
const maxChain = 16;

/**
 * Decides whether the peer of a finished TLS handshake is the gateway, before a byte of MQTT is written.
 *
 * In this order, each of them needed: RFC 5280 path to the identity's own anchors for serverAuth, the name in
 * subjectAltName (RFC 9525, the common name is not read), Node's own verdict, then the pins.
 * Throws DEVICE_GATEWAY_UNTRUSTED, DEVICE_GATEWAY_NAME_MISMATCH or DEVICE_PIN_MISMATCH.
 */
export function checkGateway(socket: TLSSocket, rules: GatewayRules): ValidatedPath {
  const path = validatedPath(peerChain(socket), rules);
  // A second, independent opinion: where OpenSSL and path validation disagree, the answer is no.
  if (!socket.authorized) throw nodeRefusal(socket.authorizationError);
  checkPins(path, rules);
  return path;
}

/**
 * As `checkGateway`, for the certificates (DER, leaf first) of a peer that proves to hold the key within the DTLS
 * handshake that this is a part of, or proved it in the one that is resumed.
 */
export function checkGatewayChain(chain: readonly Uint8Array[], rules: GatewayRules): ValidatedPath {
  const path = validatedPath(readChain(chain), rules);
  checkPins(path, rules);
  return path;
}

function validatedPath(chain: readonly Certificate[], rules: GatewayRules): ValidatedPath {
  try {
    return validatePath({
      chain,
      anchors: rules.anchors,
      // Path validation requires serverAuth to be named: a device's certificate is no gateway's.
      purpose: "serverAuth",
      serverName: rules.serverName,
      now: rules.now(),
      crls: rules.crls,
      revocation: rules.revocation,
    });
  } catch (error) {
    if (codeOf(error) === "PKI_PATH_NAME_MISMATCH") {
      throw new DeviceError(
        "DEVICE_GATEWAY_NAME_MISMATCH",
        `the gateway's certificate is not for ${rules.serverName}: connect by a name it carries, or set gateway.serverName`,
        { cause: error },
      );
    }
    throw untrusted(textOf(error), error);
  }
}

/** At least one pin is the key of a certificate in the validated path, the trust anchor's own key apart. */
function checkPins(path: ValidatedPath, rules: GatewayRules): void {
  if (rules.pins.length === 0) return;
  // The path ends in the anchor, whose key `parsePins` takes for no pin.
  const candidates = path.path.slice(0, -1).map((certificate) => spkiPin(certificate));
  let matched = false;
  for (const candidate of candidates) {
    for (const pin of rules.pins) matched = samePin(candidate, pin) || matched;
  }
  if (!matched) {
    throw new DeviceError(
      "DEVICE_PIN_MISMATCH",
      `the gateway's chain is valid, but holds none of the ${rules.pins.length} pinned keys; it holds ` +
        `${candidates.join(", ")}: if its key was changed on purpose, give the device the new pin`,
    );
  }
}

function samePin(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** What the peer sent, leaf first, followed up to an anchor where Node knows one. */
function peerChain(socket: TLSSocket): Certificate[] {
  const chain: Certificate[] = [];
  const seen = new Set<string>();
  try {
    let next = socket.getPeerX509Certificate();
    // A self-signed certificate is its own issuer: stop at the first that was seen.
    while (next && !seen.has(next.fingerprint256) && chain.length < maxChain) {
      seen.add(next.fingerprint256);
      chain.push(parseCertificate(next.raw));
      next = next.issuerCertificate;
    }
  } catch (error) {
    throw untrusted(`its certificate cannot be read: ${textOf(error)}`, error);
  }
  if (chain.length === 0) throw untrusted("it showed no certificate");
  return chain;
}

function readChain(chain: readonly Uint8Array[]): Certificate[] {
  if (chain.length === 0) throw untrusted("it showed no certificate");
  try {
    return chain.slice(0, maxChain).map((der) => parseCertificate(der));
  } catch (error) {
    throw untrusted(`its certificate cannot be read: ${textOf(error)}`, error);
  }
}

function nodeRefusal(verdict: Error | string | undefined): DeviceError {
  const code = typeof verdict === "string" ? verdict : (codeOf(verdict) ?? textOf(verdict));
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return new DeviceError("DEVICE_GATEWAY_NAME_MISMATCH", "the gateway's certificate is for another name", {
      cause: verdict,
    });
  }
  return untrusted(`TLS verification says ${code}`, verdict);
}

function untrusted(why: string, cause?: unknown): DeviceError {
  return new DeviceError("DEVICE_GATEWAY_UNTRUSTED", `the gateway is not trusted: ${why}`, { cause });
}

/** The name check that Node's own verdict includes, for the same name whatever the host that is dialled. */
export function nameCheckFor(serverName: string): typeof nodeNameCheck {
  return (_host, certificate) => nodeNameCheck(serverName, certificate);
}
