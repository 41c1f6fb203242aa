import { NotApplicable, NotDelivered } from "../../errors.ts";
import type { DeviceLab } from "../../lab/device-lab.ts";
import type { Entry } from "../../lab/lab.ts";

/**
 * Shows a device that keeps trying the same untrusted certificate at each attempt, up to so many times, and stops where
 * it is trusted or the device stays away.
 * @throws NotApplicable where the device comes but once
 */
export async function refuseUntilTired(
  lab: DeviceLab,
  most: number,
): Promise<{ readonly attempts: number; readonly last: Entry }> {
  const issuer = await lab.forge.rogueIssuing();
  const credential = await lab.forge.gateway({ name: "a certificate of a rogue CA", issuer });
  let last = await lab.serve(credential, { dial: { keepsTrying: true } });
  let attempts = 1;
  while (attempts < most && !last.admitted) {
    try {
      last = await lab.serve(credential, { dial: "by itself" });
      attempts += 1;
    } catch (error) {
      // To stay away is no way of giving in.
      if (error instanceof NotDelivered) break;
      throw error;
    }
  }
  if (attempts === 1 && !last.admitted) {
    throw new NotApplicable("the device did not come a second time, so it has had no occasion to give in");
  }
  return { attempts, last };
}
