// A DTLS 1.2 server in ten lines: every client proves who it is, and hears what it said.
//   npx sallyport init && npx node examples/dtls-echo.ts
import { readFileSync } from "node:fs";
import { listen } from "../dtls/index.ts";

const [directory = "certs", port = "5684"] = process.argv.slice(2);
const read = (name: string) => readFileSync(`${directory}/${name}`, "utf8");

const endpoint = listen(
  (session) => {
    console.log(session.remoteAddress, session.peerX509Certificate?.subjectAltName);
    session.on("message", (message) => session.send(message));
  },
  {
    port: Number(port),
    cert: read("gateway.cert.pem"),
    key: read("gateway.key.pem"),
    ca: [read("ca.pem"), read("issuing.cert.pem")],
  },
);
endpoint.on("refused", ({ address, error }) => console.log(address, error.message));
console.log("listening on", await endpoint.ready);
process.once("SIGINT", () => void endpoint.close());
