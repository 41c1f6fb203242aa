import { DtlsError } from "../errors.ts";
import { checked, opaque, struct, type TypeOf, uint8, uint16 } from "./presentation.ts";
import { ECCurveType } from "./registry.ts";

/** RFC 8422 §5.4: `struct { opaque point <1..2^8-1>; } ECPoint;` */
const ECPoint = opaque(1, 2 ** 8 - 1);

/** RFC 4279 §2 */
const pskIdentity = opaque(0, 2 ** 16 - 1);

/**
 * RFC 8422 §5.4
 *     struct {
 *       ECCurveType curve_type;
 *       select (curve_type) { case named_curve: NamedCurve namedcurve; };
 *     } ECParameters;
 *     struct {
 *       ECParameters curve_params;
 *       ECPoint public;
 *     } ServerECDHParams;
 */
export const ServerEcdhParams = checked(
  struct({ curveType: uint8, namedGroup: uint16, public: ECPoint }),
  ({ curveType }) => {
    // RFC 8422 §5.4: only named curves; the others are deprecated, and their fields would be read as these.
    if (curveType !== ECCurveType.named_curve) {
      throw new DtlsError("DTLS_ILLEGAL_PARAMETER", `ServerECDHParams: curve_type ${curveType}`);
    }
  },
);
export type ServerEcdhParams = TypeOf<typeof ServerEcdhParams>;

/**
 * RFC 8422 §5.4
 *     struct {
 *       select (KeyExchangeAlgorithm) {
 *         case ec_diffie_hellman:
 *           ServerECDHParams params;
 *           Signature signed_params;
 *       };
 *     } ServerKeyExchange;
 */
export const ServerKeyExchangeEcdhe = struct({
  params: ServerEcdhParams,
  algorithm: uint16,
  signature: opaque(0, 2 ** 16 - 1),
});
export type ServerKeyExchangeEcdhe = TypeOf<typeof ServerKeyExchangeEcdhe>;

/**
 * RFC 4279 §2
 *     case psk:
 *       opaque psk_identity_hint<0..2^16-1>;
 */
export const ServerKeyExchangePsk = struct({ pskIdentityHint: pskIdentity });
export type ServerKeyExchangePsk = TypeOf<typeof ServerKeyExchangePsk>;

/**
 * RFC 5489 §2
 *     case ec_diffie_hellman_psk:
 *       opaque psk_identity_hint<0..2^16-1>;
 *       ServerECDHParams params;
 */
export const ServerKeyExchangeEcdhePsk = struct({
  pskIdentityHint: pskIdentity,
  params: ServerEcdhParams,
});
export type ServerKeyExchangeEcdhePsk = TypeOf<typeof ServerKeyExchangeEcdhePsk>;

/**
 * RFC 8422 §5.7: an implicit public key, of the client's certificate, is for ECDH suites that we do not have.
 *     struct {
 *       select (PublicValueEncoding) { case explicit: ECPoint ecdh_Yc; } ecdh_public;
 *     } ClientECDiffieHellmanPublic;
 */
export const ClientKeyExchangeEcdhe = struct({ public: ECPoint });
export type ClientKeyExchangeEcdhe = TypeOf<typeof ClientKeyExchangeEcdhe>;

/**
 * RFC 4279 §2
 *     case psk:
 *       opaque psk_identity<0..2^16-1>;
 */
export const ClientKeyExchangePsk = struct({ pskIdentity });
export type ClientKeyExchangePsk = TypeOf<typeof ClientKeyExchangePsk>;

/**
 * RFC 5489 §2
 *     case ec_diffie_hellman_psk:
 *       opaque psk_identity<0..2^16-1>;
 *       ClientECDiffieHellmanPublic public;
 */
export const ClientKeyExchangeEcdhePsk = struct({ pskIdentity, public: ECPoint });
export type ClientKeyExchangeEcdhePsk = TypeOf<typeof ClientKeyExchangeEcdhePsk>;
