// A device over DTLS: connects, sends a reading every second, and prints what comes back. Ctrl-C ends it.
//   npx sallyport device add thermometer-1 && npx node examples/dtls-device.ts thermometer-1
import { connectDtls, loadIdentity } from "../device-client/index.ts";

const [id = "thermometer-1", gateway = "localhost:5684", files = "certs/devices"] = process.argv.slice(2);

const identity = loadIdentity({
  key: `${files}/${id}.key.pem`,
  certificate: `${files}/${id}.cert.pem`,
  ca: `${files}/ca.pem`,
});
const device = await connectDtls({ identity, gateway });
console.log("connected, messages have at most", device.maxMessageBytes, "bytes");

device.on("message", (data) => console.log("back:", Buffer.from(data).toString()));
device.on("connected", ({ resumed }) => console.log("connected again", resumed ? "(resumed)" : ""));
device.on("reconnecting", ({ delayMs, reason }) => console.log(`back in ${delayMs} ms:`, reason.code));

const timer = setInterval(() => {
  // Nothing is queued: what was for now is of no use later.
  if (device.state === "connected") device.send((20 + Math.random()).toFixed(2));
}, 1000);

process.once("SIGINT", () => {
  clearInterval(timer);
  void device.close();
});
