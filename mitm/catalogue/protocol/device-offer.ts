import { broken, type Finding, held } from "../../attack.ts";
import type { DeviceLab } from "../../lab/device-lab.ts";
import { SignatureScheme } from "../../tls/numbers.ts";
import { weakSuites } from "../../tls/weak-suites.ts";
import { type DeviceHello, deviceHello } from "./device-hello.ts";

/*
 * What a device offers is what whoever stands on the path may choose: it is enough to look at its ClientHello.
 */

/** What a device should not offer, in words; undefined where it does not. */
export type Objection = (hello: DeviceHello) => string | undefined;

/** Reads the device's ClientHello. */
export async function offerOf(lab: DeviceLab, objection: Objection): Promise<Finding> {
  const device = await deviceHello(lab);
  // Nothing more is wanted of it.
  device.raw.destroy();
  lab.recorder.receipt("the device sent its ClientHello to the lab");
  const found = objection(device);
  return found === undefined
    ? held("the ClientHello offers nothing of the kind", { refusedAt: "ClientHello" })
    : broken(`the device offers ${found}`);
}

/** Suites that RFC 9325 §4.1 forbids because they protect nothing, or next to nothing. */
export const worthlessSuites: Objection = ({ hello }) =>
  listed("cipher suites", hello.cipherSuites, [
    ...weakSuites["null-suites-accepted"],
    ...weakSuites["anonymous-suites-accepted"],
    ...weakSuites["export-suites-accepted"],
    ...weakSuites["broken-ciphers-accepted"],
  ]);

/** Suites that protect, but not what was recorded once the server's key is lost, or not well. */
export const outdatedSuites: Objection = ({ hello }) =>
  listed("cipher suites", hello.cipherSuites, [
    ...weakSuites["static-rsa-accepted"],
    ...weakSuites["cbc-suites-accepted"],
  ]);

/** Versions that RFC 7568 and RFC 8996 forbid. */
export const legacyVersions: Objection = ({ versions }) =>
  listed("versions", versions, [0x0300, 0x0301, 0x0302]);

/** RFC 9155 §2: "Clients MUST NOT include MD5 and SHA-1 in the signature_algorithms extension". */
export const brokenSignatures: Objection = ({ extensions }) => {
  const offered = extensions.signatureAlgorithms() ?? [];
  const known: readonly number[] = Object.values(SignatureScheme);
  // The upper byte is the hash in TLS 1.2: 1 is MD5, 2 is SHA-1.
  const isBroken = (scheme: number) => !known.includes(scheme) && (scheme >> 8 === 1 || scheme >> 8 === 2);
  return listed("signature schemes", offered, offered.filter(isBroken));
};

function listed(what: string, offered: readonly number[], bad: readonly number[]): string | undefined {
  const found = offered.filter((one) => bad.includes(one));
  if (found.length === 0) return undefined;
  return `the ${what} ${found.map((one) => `0x${one.toString(16).padStart(4, "0")}`).join(", ")}`;
}
