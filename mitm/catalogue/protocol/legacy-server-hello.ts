import { type DeviceAttack, deviceAttack } from "../../attack.ts";
import { extension } from "../../tls/extensions.ts";
import { ExtensionType } from "../../tls/numbers.ts";
import { answerWith, deviceHello, judgeReaction } from "./device-hello.ts";

/** Suites that those versions have, and then whatever may come: what is tried is the version. */
const preferred = [0xc009, 0xc00a, 0xc013, 0xc014, 0x002f, 0x0035];

/** A ServerHello of a version before TLS 1.2: right but for its age. */
export function legacyServerHello(attack: {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly rfc: readonly string[];
}): DeviceAttack {
  const { id, name, version, rfc } = attack;
  return deviceAttack({
    id,
    title: `a ServerHello of ${name}`,
    transports: ["tls"],
    defeats: "legacy-version-accepted",
    severity: "high",
    reference: { rfc: [...rfc, "RFC 8446 §4.1.3"], cwe: [757, 327], en303645: ["5.5-1"], cra: ["I(2)(e)"] },
    async run(lab) {
      const { raw, hello, extensions: offered } = await deviceHello(lab);
      const suites = hello.cipherSuites;
      const cipherSuite =
        preferred.find((suite) => suites.includes(suite)) ??
        suites.find((suite) => suite >= 0xc000) ??
        0xc02b;
      const random = lab.prng.bytes(32);
      const fields = { serverVersion: version, random, sessionId: new Uint8Array(), cipherSuite };
      // What it asks of any server, of whatever version.
      const extensions = [extension.renegotiationInfo()];
      if (offered.has(ExtensionType.extended_master_secret))
        extensions.push(extension.extendedMasterSecret());
      answerWith(raw, { ...fields, compressionMethod: 0, extensions }, `server_version is that of ${name}`);
      return judgeReaction(lab, raw, `a ServerHello of ${name}`);
    },
  });
}
