import { expect, test } from "vitest";
import { DeviceError, deviceErrorCodes } from "../../../device-client/index.ts";

test("every code begins with DEVICE_ and says whether a retry helps", () => {
  for (const code of deviceErrorCodes) {
    expect(code).toMatch(/^DEVICE_[A-Z_]+$/);
    expect(["soon", "slowly", "never"]).toContain(new DeviceError(code, "x").retry);
  }
});

test("a gateway that is not trusted is tried again slowly, whatever the reason", () => {
  for (const code of [
    "DEVICE_PIN_MISMATCH",
    "DEVICE_GATEWAY_UNTRUSTED",
    "DEVICE_GATEWAY_NAME_MISMATCH",
  ] as const) {
    expect(new DeviceError(code, "x").retry).toBe("slowly");
  }
});

test("MQTT 3.1.1 §3.2.2.3: return code 3 passes, 2 and 5 need somebody to act", () => {
  expect([3, 2, 5].map(paceOf)).toEqual(["soon", "slowly", "slowly"]);
});

function paceOf(returnCode: number): string {
  return new DeviceError("DEVICE_REFUSED", "x", { returnCode }).retry;
}
