/*
 * A broker to point the lab at: Aedes as it comes, behind Node's TLS as it comes, with client certificates required.
 *
 *     node examples/mitm-targets/aedes-broker.ts lab 18884
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createServer } from "node:tls";
import { Aedes } from "aedes";

const [directory = "lab", port = "8883"] = process.argv.slice(2);

const broker = await Aedes.createBroker();
const server = createServer(
  {
    ca: readFileSync(join(directory, "ca.pem")),
    cert: readFileSync(join(directory, "gateway.cert.pem")),
    key: readFileSync(join(directory, "gateway.key.pem")),
    requestCert: true,
    rejectUnauthorized: true,
  },
  broker.handle,
);
server.on("tlsClientError", () => undefined);
broker.on("clientError", () => undefined);
broker.on("connectionError", () => undefined);
server.listen(Number(port), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
