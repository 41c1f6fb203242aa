import { describe, expect, test } from "vitest";
import { drawScenario, type Outcome, play, type Scenario } from "../../../support/dtls/scenario.ts";

/*
 * Ten thousand handshakes over a network that loses 0 to 50 % of the datagrams each way, on fake time. A failure names
 * its seed: SIMULATION_SEED=<seed> SIMULATION_LOSS=<percent> runs that one alone.
 */

const lossPercents = [0, 5, 10, 15, 20, 25, 30, 35, 40, 50];
const perLoss = Math.ceil(Number(process.env["SIMULATION_RUNS"] ?? 10_000) / lossPercents.length);
const onlySeed = process.env["SIMULATION_SEED"];
const onlyLoss = process.env["SIMULATION_LOSS"];

/** The least share of handshakes that completes: with 60 s a flight is sent six times. */
const leastComplete: Record<number, number> = {
  0: 1,
  5: 0.99,
  10: 0.99,
  15: 0.98,
  20: 0.95,
  25: 0.95,
  30: 0.9,
  35: 0.85,
  40: 0.7,
  50: 0.4,
};

describe.skipIf(onlySeed !== undefined)("handshakes over a bad network", () => {
  for (const percent of lossPercents) {
    test(
      `${perLoss} handshakes at ${percent} % loss complete, or fail cleanly in time, and only with proof of the peer (R3, R4, U8, B5)`,
      () => {
        const outcomes: Outcome[] = [];
        for (let index = 0; index < perLoss; index += 1) {
          const outcome = play(drawScenario(percent * 1_000_000 + index, percent / 100));
          expect(
            outcome.wrong,
            `SIMULATION_SEED=${outcome.scenario.seed} SIMULATION_LOSS=${percent}`,
          ).toEqual([]);
          outcomes.push(outcome);
        }
        // A damaged message of epoch 0 is one that the peer never sent: it may end the handshake.
        const honest = outcomes.filter(
          ({ scenario }) => scenario.impostor === "nobody" && scenario.faults.corrupt === 0,
        );
        const complete = honest.filter((outcome) => outcome.complete).length;
        expect(complete / honest.length).toBeGreaterThanOrEqual(leastComplete[percent] ?? 1);
      },
      120 * Math.max(perLoss, 1000),
    );
  }
});

describe.runIf(onlySeed !== undefined)("one handshake", () => {
  test("the one of SIMULATION_SEED and SIMULATION_LOSS", () => {
    const scenario = drawScenario(Number(onlySeed), Number(onlyLoss) / 100);
    const outcome = play(scenario);
    expect(outcome.wrong, describeScenario(scenario)).toEqual([]);
  });
});

function describeScenario(scenario: Scenario): string {
  return JSON.stringify({ ...scenario, suite: scenario.suite.name }, undefined, 2);
}
