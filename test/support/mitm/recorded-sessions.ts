import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createServer as createTlsServer, connect as tlsConnect } from "node:tls";
import { generate } from "mqtt-packet";
import { connect as connectDtls, type PemCredential } from "../../../dtls/index.ts";
import { Recorder } from "../../../mitm/record/recorder.ts";
import { ask, ca, device, server, startEcho } from "../dtls-loopback.ts";

/** What the client says inside of the sessions, to look for in the decrypted capture. */
export const clientId = "pump-under-capture";

/** An honest MQTT session over TLS, recorded by a relay between the two ends. */
export async function recordedTlsSession(
  version: "TLSv1.2" | "TLSv1.3",
  host = "127.0.0.1",
): Promise<Recorder> {
  const recorder = new Recorder();
  const broker = createTlsServer({
    ...forTls(server),
    ca,
    requestCert: true,
    minVersion: version,
    maxVersion: version,
  });
  broker.on("secureConnection", (socket) => {
    socket.once("data", () =>
      socket.write(generate({ cmd: "connack", returnCode: 0, sessionPresent: false })),
    );
  });
  broker.listen(0, host);
  await once(broker, "listening");
  const brokerPort = portOf(broker.address());
  const relay = createServer((incoming) => {
    const outgoing = connect(brokerPort, host);
    const connection = recorder.connection({
      protocol: "tcp",
      client: { address: incoming.remoteAddress ?? host, port: incoming.remotePort ?? 0 },
      server: { address: host, port: brokerPort },
    });
    incoming.on("data", (bytes: Buffer) => {
      recorder.packet(connection, "client", bytes);
      outgoing.write(bytes);
    });
    outgoing.on("data", (bytes: Buffer) => {
      recorder.packet(connection, "server", bytes);
      incoming.write(bytes);
    });
    incoming.on("end", () => outgoing.end()).on("error", () => outgoing.destroy());
    outgoing.on("end", () => incoming.end()).on("error", () => incoming.destroy());
  });
  relay.listen(0, host);
  await once(relay, "listening");
  const options = { host, port: portOf(relay.address()), servername: "localhost", ca, ...forTls(device()) };
  const client = tlsConnect(options);
  client.on("keylog", (line: Buffer) => recorder.secret(line.toString("latin1").trim()));
  await once(client, "secureConnect");
  recorder.step({
    connection: 1,
    from: "device",
    to: "gateway",
    what: "MQTT CONNECT",
    bytes: 1,
    attack: true,
  });
  client.write(
    generate({ cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clean: true, clientId, keepalive: 0 }),
  );
  await once(client, "data");
  client.end();
  await once(client, "close");
  await Promise.all([closed(relay), closed(broker)]);
  return recorder;
}

/** An honest echo session over DTLS 1.2, recorded likewise. */
export async function recordedDtlsSession(): Promise<Recorder> {
  const recorder = new Recorder();
  await using echo = await startEcho();
  const inner = createSocket("udp4").bind(0, "127.0.0.1");
  const outer = createSocket("udp4").bind(0, "127.0.0.1");
  await Promise.all([once(inner, "listening"), once(outer, "listening")]);
  let back: { readonly address: string; readonly port: number } | undefined;
  let connection = 0;
  outer.on("message", (bytes, from) => {
    if (back === undefined) {
      back = { address: from.address, port: from.port };
      const gateway = { address: "127.0.0.1", port: echo.port };
      connection = recorder.connection({ protocol: "udp", client: back, server: gateway });
    }
    recorder.packet(connection, "client", bytes);
    inner.send(bytes, echo.port, "127.0.0.1");
  });
  inner.on("message", (bytes) => {
    recorder.packet(connection, "server", bytes);
    if (back !== undefined) outer.send(bytes, back.port, back.address);
  });
  const session = connectDtls("127.0.0.1", outer.address().port, {
    ca,
    ...device(),
    retransmission: { initialMs: 50 },
    onkeylog: (line) => recorder.secret(line),
  });
  await session.opened;
  await ask(session, clientId);
  await session.close();
  await echo.endpoint.close();
  inner.close();
  outer.close();
  return recorder;
}

function forTls({ cert, key }: PemCredential): { readonly cert: string; readonly key: string } {
  return { cert: String(cert), key: String(key) };
}

function portOf(address: string | { readonly port: number } | null): number {
  if (address === null || typeof address === "string") throw new Error("not a TCP address");
  return address.port;
}

async function closed(listener: { close(done: () => void): unknown }): Promise<void> {
  await new Promise<void>((resolve) => {
    listener.close(resolve);
  });
}
