// A process of its own that makes an authority: authority-maker.ts DIRECTORY
import { createAuthority } from "../../pki/authority/index.ts";

console.log("started");
const { root } = await createAuthority(process.argv[2] ?? "", {
  rootAlgorithm: "p256",
  dangerouslyDiscardRootKey: true,
});
console.log(root.fingerprint);
