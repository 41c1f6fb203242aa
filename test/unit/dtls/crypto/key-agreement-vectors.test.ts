import { expect, test, vi } from "vitest";
import { generateKeyShare } from "../../../../dtls/crypto/key-agreement.ts";
import { NamedGroup } from "../../../../dtls/wire/registry.ts";
import { hex, toHex } from "../../../support/dtls/hex.ts";

/*
 * A key share makes its private key itself and takes none from outside. For vectors, node:crypto is made to "generate"
 * the private key that is next here.
 */
const next = vi.hoisted(() => ({ privateKey: "" }));

vi.mock(import("node:crypto"), async (original) => {
  const real = await original();
  return {
    ...real,
    createECDH(curve) {
      const ecdh = real.createECDH(curve);
      const generateKeys = () => {
        ecdh.setPrivateKey(next.privateKey, "hex");
        return ecdh.getPublicKey();
      };
      return Object.assign(ecdh, { generateKeys });
    },
    generateKeyPairSync: new Proxy(real.generateKeyPairSync, {
      apply(_target, _this, [type]: [string]) {
        // RFC 8410 §7 and RFC 5915 §3 (in RFC 5958 §2): what stands around the private key alone.
        const around = type === "x25519" ? "302e020100300506032b656e04220420" : p384Prefix;
        const der = Buffer.from(around + next.privateKey, "hex");
        const privateKey = real.createPrivateKey({ key: der, format: "der", type: "pkcs8" });
        return { privateKey, publicKey: real.createPublicKey(privateKey) };
      },
    }),
  };
});

const p384Prefix = "304e020100301006072a8648ce3d020106052b81040022043730350201010430";

const p256 = {
  group: NamedGroup.secp256r1,
  privateKey: "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
  publicKey:
    "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180" +
    "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
};
const p384 = {
  group: NamedGroup.secp384r1,
  privateKey:
    "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
  publicKey:
    "04667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa" +
    "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
};

test.each([
  {
    title: "RFC 7748 §6.1: X25519, Alice's side",
    group: NamedGroup.x25519,
    privateKey: "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
    publicKey: "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
    peer: "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
    shared: "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
  },
  {
    title: "RFC 7748 §6.1: X25519, Bob's side",
    group: NamedGroup.x25519,
    privateKey: "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
    publicKey: "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
    peer: "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
    shared: "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
  },
  {
    title: "RFC 5903 §8.1: P-256",
    ...p256,
    peer:
      "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63" +
      "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
    shared: "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de",
  },
  {
    title: "RFC 5903 §8.2: P-384",
    ...p384,
    peer:
      "04e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571" +
      "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
    shared:
      "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746",
  },
  {
    // The secret was computed by hand, by integer arithmetic on the curve.
    title: "RFC 8422 §5.10: a secret of P-256 that begins with a zero keeps it (R6)",
    ...p256,
    peer:
      "042e13fd246e7eec96af7eae02c3fd4b5e8e442c82cb3a591b4d90f7b75d2c4c74" +
      "2f65d4315755591565f3f5a54aa840a10bae88f0d00086af488c156d0c9060e6",
    shared: "0087274026c6d3438544577eadb80b4735878ca9510cee20e4eb19a919a4b9f2",
  },
  {
    title: "RFC 8422 §5.10: a secret of P-384 that begins with a zero keeps it (R6)",
    ...p384,
    peer:
      "0412870c964285d7dcf327c1f289d5139345f71ecacbb1998493a93e337a65dfad38a430ceca1dfb6cdc9f567215188b0a" +
      "8d9de095bbdb4ab8542bd18b002cb01676cd50a7f6eb1e4987a40acf3533acd4cd9fe16c297ccc6364500651ac2743f5",
    shared:
      "0072f6640ec330ed665200ca9ce61da35ce84a4569342091850963e99c09c64ee5b6cefaa472cd0373667e0e05a8a8b6",
  },
])("$title", ({ group, privateKey, publicKey, peer, shared }) => {
  next.privateKey = privateKey;
  const share = generateKeyShare(group);
  expect(toHex(share.publicKey)).toBe(publicKey);
  expect(toHex(share.agree(hex(peer)))).toBe(shared);
});
