// An operator's program: sees what all devices say, and answers each reading.
//   npx sallyport operator add backend && npx node examples/subscribe-as-operator.ts backend
import { connect, loadIdentity } from "../device-client/index.ts";

const [name = "backend", gateway = "localhost:8883", files = "certs/devices"] = process.argv.slice(2);

const identity = loadIdentity({
  key: `${files}/${name}.key.pem`,
  certificate: `${files}/${name}.cert.pem`,
  ca: `${files}/ca.pem`,
});
const session = await connect({ identity, gateway });

session.on("message", ({ topic, payload }) => {
  // Who says it: the gateway lets each device publish below its own id only.
  const [, device, direction, what] = topic.split("/");
  if (direction !== "up") return;
  console.log(`${device} ${what}: ${Buffer.from(payload).toString()}`);
  session.publish(`devices/${device}/down/seen`, what ?? "", { qos: 1 }).catch(console.error);
});
await session.subscribe("devices/#", { qos: 1 });
console.log("subscribed");

process.once("SIGINT", () => void session.close());
