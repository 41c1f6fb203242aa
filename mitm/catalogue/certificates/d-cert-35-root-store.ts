import { broken, deviceAttack, held } from "../../attack.ts";
import type { Entry } from "../../lab/lab.ts";
import { bothTransports, certificateReference } from "./reference.ts";

export default deviceAttack({
  id: "D-CERT-35",
  title: "a known and an unknown root, to see whether the alerts differ",
  transports: bothTransports,
  defeats: "root-store-oracle",
  severity: "low",
  reference: certificateReference(
    ["RFC 8446 §6.2"],
    [203, 204],
    ["Paracha et al., IoTLS: Understanding TLS Usage in Consumer IoT Devices, IMC 2021"],
  ),
  async run(lab) {
    const { forge } = lab;
    const root = await forge.rogueRoot({ subject: { O: "Somebody else", CN: "Another root" } });
    const unknown = await forge.gateway({ name: "a certificate of an unknown root", issuer: root });
    const known = await forge.gateway({
      name: "a certificate in the name of the trusted root",
      issuer: await forge.rogueRoot(),
    });
    // Roots are not sent: the device has them, or it has not.
    const answers: Entry[] = [];
    for (const credential of [unknown, known]) {
      answers.push(await lab.serve({ ...credential, chain: credential.chain.slice(0, 1) }));
    }
    const trusted = answers.find(({ admitted }) => admitted);
    if (trusted !== undefined) return broken(trusted.how);
    const [toUnknown, toKnown] = answers.map(({ alert, how }) =>
      alert === undefined ? how : `alert ${alert}`,
    );
    if (toUnknown !== toKnown) {
      return broken(`an unknown root is answered by ${toUnknown}, a known one by ${toKnown}`);
    }
    return held(`both are answered by ${toUnknown}`, { alert: answers[0]?.alert });
  },
});
