import type { KeyObject } from "node:crypto";
import { isIP } from "node:net";
import { type GeneralName, spkiPin } from "../../../pki/index.ts";
import type { Finding } from "../../attack.ts";
import type { Credential } from "../../endpoint.ts";
import { NotApplicable } from "../../errors.ts";
import type { DeviceLab } from "../../lab/device-lab.ts";
import { publicKeyInfoOf } from "../../mint/certificate.ts";

/*
 * What is shown to a device has the key that it pins, the names that it expects, and a CA that it trusts, all but the
 * one thing that is tried: so it has no other reason to refuse.
 */

/** Stands in the gateway's place with this certificate, and judges by whether the device says anything. */
export async function show(lab: DeviceLab, credential: Credential): Promise<Finding> {
  return lab.judge(await lab.serve(credential));
}

export function hoursFromNow(hours: number): Date {
  return new Date(Date.now() + hours * 3_600_000);
}

export function dnsName(value: string): GeneralName {
  return { type: "dNSName", value };
}

/**
 * The DNS name that the device takes its gateway for, of three labels or more, so that a wildcard can go wrong in each.
 * @throws NotApplicable where it goes by an IP address or a short name
 */
export function dnsNameOf(lab: DeviceLab): string {
  const name = lab.target.serverNames.find((one) => isIP(one) === 0 && one.split(".").length > 2);
  if (name === undefined) {
    throw new NotApplicable("the device takes its gateway for no DNS name of three labels or more");
  }
  return name;
}

/**
 * A key that the gateway's certificate may have as far as the device's pins are concerned.
 * @throws NotApplicable where the device pins, and not this key: it would refuse whatever else is wrong
 */
export function pinnedKey(lab: DeviceLab, key: KeyObject): KeyObject {
  const pin = spkiPin(publicKeyInfoOf(key));
  if (lab.target.pins && lab.target.pinnedKeys?.includes(pin) !== true) {
    throw new NotApplicable("the device pins the gateway's key, so it refuses another one whatever it is");
  }
  return key;
}

/** @throws NotApplicable where the device pins nothing */
export function requirePins(lab: DeviceLab): void {
  if (!lab.target.pins) throw new NotApplicable("the device pins no key");
}
