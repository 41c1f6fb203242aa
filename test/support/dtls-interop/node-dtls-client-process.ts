import { dtls } from "node-dtls-client";

/*
 * node-dtls-client as a program: says `ping` to a server, prints what comes back, and ends.
 *     node node-dtls-client-process.ts PORT IDENTITY KEY [SUITE]
 */
const [port = "", identity = "", key = "", suite = ""] = process.argv.slice(2);
const options: dtls.Options = {
  type: "udp4",
  address: "127.0.0.1",
  port: Number(port),
  psk: { [identity]: key },
  timeout: 10_000,
};
if (isSuite(suite)) options.ciphers = [suite];

const socket = dtls.createSocket(options);
socket.on("connected", () => socket.send(Buffer.from("ping\n")));
socket.on("message", (message: Buffer) => {
  console.log(message.toString().trim());
  socket.close();
});
socket.on("close", () => console.log("closed"));
socket.on("error", (error: Error) => {
  console.log(`failed ${error.message}`);
  process.exit(1);
});

/** The table of its suites is not exported; the constructor does not look either. */
function isSuite(name: string): name is NonNullable<dtls.Options["ciphers"]>[number] {
  return name !== "";
}
