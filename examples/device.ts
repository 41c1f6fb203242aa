// A device: connects, publishes a reading every second, and obeys what is sent to it. Ctrl-C ends it.
//   npx sallyport device add thermometer-1 && npx node examples/device.ts thermometer-1
import { connect, loadIdentity } from "../device-client/index.ts";

const [id = "thermometer-1", gateway = "localhost:8883", files = "certs/devices"] = process.argv.slice(2);

const identity = loadIdentity({
  key: `${files}/${id}.key.pem`,
  certificate: `${files}/${id}.cert.pem`,
  ca: `${files}/ca.pem`,
});
const device = await connect({ identity, gateway });

device.on("message", ({ topic, payload }) => console.log(topic, Buffer.from(payload).toString()));
device.on("reconnecting", ({ delayMs, reason }) => console.log(`back in ${delayMs} ms:`, reason.code));
await device.subscribe(`devices/${id}/down/#`, { qos: 1 });

const timer = setInterval(() => {
  const reading = (20 + Math.random()).toFixed(2);
  // Queued while the gateway is away, and resolved once it has the message for good.
  device.publish(`devices/${id}/up/temperature`, reading, { qos: 1 }).then(
    () => console.log("published", reading),
    (error: unknown) => console.error(error),
  );
}, 1000);

process.once("SIGINT", () => {
  clearInterval(timer);
  void device.close();
});
