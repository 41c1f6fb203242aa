/** Plain Aedes behind plain node:tls, memory only: the measure for what our own checks cost. A child program. */
import { readFileSync } from "node:fs";
import { createServer } from "node:tls";
import { Aedes } from "aedes";
import { brokerSettings, portOf, serveUntilStopped } from "./child.ts";

const settings = brokerSettings();
const broker = await Aedes.createBroker();
const server = createServer(
  {
    key: readFileSync(settings.key),
    cert: readFileSync(settings.certificate),
    ca: readFileSync(settings.ca),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.3",
    // As Mosquitto and our gateway are set: with Nagle a CONNACK waits 40 ms for the ACK of the session tickets.
    noDelay: true,
  },
  (socket) => {
    socket.on("error", () => {});
    broker.handle(socket);
  },
);
server.listen(0, "127.0.0.1", 4_096, () => serveUntilStopped(portOf(server)));
