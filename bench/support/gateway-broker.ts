/** Our gateway as a product runs it, with a state directory or without. A child program. */
import { readFileSync } from "node:fs";
import { startGateway } from "../../gateway/index.ts";
import { parseCertificates } from "../../pki/index.ts";
import { Inventory } from "../../pki/inventory/index.ts";
import { brokerSettings, serveUntilStopped } from "./child.ts";

const settings = brokerSettings();
const certificateChain = readFileSync(settings.certificate, "utf8");
const gateway = await startGateway({
  mqttPort: 0,
  identity: {
    key: readFileSync(settings.key, "utf8"),
    certificateChain,
  },
  anchors: parseCertificates(readFileSync(settings.ca, "utf8")),
  // As the product does it: the issuing CA, which some runtimes do not show of what a client sends.
  intermediates: parseCertificates(certificateChain).slice(1),
  registry: Inventory.open(settings.pkiDirectory, { readOnly: true }),
  ...(settings.stateDirectory === undefined ? {} : { stateDirectory: settings.stateDirectory }),
  // The one default that the bench cannot keep: it has 51 identities for up to thousands of sessions.
  limits: { sessionsPerDevice: 10_000 },
});
serveUntilStopped(gateway.mqttPort);
