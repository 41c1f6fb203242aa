// A gateway inside a program of yours: what arrives from devices is yours to handle.
//   npx sallyport init && npx node examples/embed-gateway.ts
import { readFileSync } from "node:fs";
import { startGateway } from "../gateway/index.ts";
import { Inventory, KeySigner, parseCertificates, readPrivateKeyFile } from "../pki/index.ts";

const [directory = "certs", port = "8883"] = process.argv.slice(2);
const read = (name: string) => readFileSync(`${directory}/${name}`, "utf8");

using inventory = Inventory.open(directory, { readOnly: true });
const gateway = await startGateway({
  mqttPort: Number(port),
  identity: {
    key: new KeySigner(readPrivateKeyFile(`${directory}/gateway.key.pem`)).exportForTls(),
    certificateChain: read("gateway.cert.pem"),
  },
  anchors: parseCertificates(read("ca.pem")),
  intermediates: parseCertificates(read("issuing.cert.pem")),
  // Who is known, and not revoked: asked on every connection, and watched while it lasts.
  registry: inventory,
  access: { device: { publish: ["meters/{id}/readings"] } },
});
console.log("listening on", gateway.mqttPort);

gateway.on("event", (event) => {
  if (event.type === "session.opened") console.log(event.session.deviceId, "is here");
  if (event.type === "message") console.log(event.deviceId, "sent", event.bytes, "bytes to", event.topic);
  if (event.type === "connection.refused") console.log("refused:", event.reason, event.address);
});

await new Promise((resolve) => process.once("SIGINT", resolve));
await gateway.close();
