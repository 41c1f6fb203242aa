import fc from "fast-check";
import { expect, test } from "vitest";
import { defaultLimits } from "../../../gateway/limits.ts";
import { contains, isFilter, isTopic, matches } from "../../../gateway/topics.ts";

const alphabet = ["a", "b", "", "$x"];

/** Every topic of one to four levels over the alphabet: enough to tell any two filters of three levels apart. */
const topics: string[][] = [];
for (let depth = 1, level: string[][] = [[]]; depth <= 4; depth += 1) {
  level = level.flatMap((begin) => alphabet.map((word) => [...begin, word]));
  topics.push(...level);
}

/** MQTT 3.1.1 §4.7 as a regular expression, made apart from the code under test. */
function oracle(filter: readonly string[]): RegExp {
  let pattern = "^";
  filter.forEach((level, at) => {
    const slash = at === 0 ? "" : "/";
    if (level === "#") pattern += at === 0 ? "[^$].*|^" : "(/.*)?";
    else if (level === "+") pattern += `${slash}${at === 0 ? "(?!\\$)" : ""}[^/]*`;
    else pattern += `${slash}${level.replaceAll("$", "\\$")}`;
  });
  return new RegExp(`${pattern}$`);
}

const filter = fc
  .tuple(fc.array(fc.constantFrom(...alphabet, "+"), { maxLength: 3 }), fc.boolean())
  .map(([levels, open]) => (open || levels.length === 0 ? [...levels, "#"] : levels));

test("MQTT 3.1.1 §4.7: matching agrees with an oracle on every topic of a small alphabet", () => {
  fc.assert(
    fc.property(filter, (levels) => {
      const pattern = oracle(levels);
      for (const topic of topics) {
        expect([levels, topic, matches(levels, topic)]).toEqual([
          levels,
          topic,
          pattern.test(topic.join("/")),
        ]);
      }
    }),
  );
});

test("containment agrees with brute force: a filter is held exactly when each of its topics is", () => {
  fc.assert(
    fc.property(filter, filter, (outer, inner) => {
      const held = topics.every((topic) => !matches(inner, topic) || matches(outer, topic));
      expect([outer, inner, contains(outer, inner)]).toEqual([outer, inner, held]);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ["devices/a/down/#", "devices/a/down/#", true],
  ["devices/a/down/#", "devices/a/down", true],
  ["devices/a/down/#", "devices/a/down/+/x", true],
  ["devices/a/down/#", "devices/+/down/#", false],
  ["devices/a/down/#", "devices/a/#", false],
  ["devices/a/down/#", "#", false],
  ["devices/+/down", "devices/a/down", true],
  ["devices/+/down", "devices/+/down", true],
  ["devices/+/down", "devices/#", false],
  ["#", "$SYS/#", false],
  ["+/x", "$SYS/x", false],
  ["$SYS/#", "$SYS/+/x", true],
  ["+/#", "#", true],
  ["a/+/#", "a/#", false],
])("%s holds %s: %s", (outer, inner, verdict) => {
  expect(contains(outer.split("/"), inner.split("/"))).toBe(verdict);
});

test("MQTT-4.7.1-2, MQTT-4.7.1-3: wildcards stand alone in their level, # is last", () => {
  const good = ["#", "+", "a/#", "+/a", "a/+/b/#", "/", "a//b"];
  const bad = [
    "",
    "a#",
    "#/a",
    "a/#/b",
    "+a",
    "a+",
    "a/b+/c",
    "a/##",
    "a/\u0000",
    "a/\u0007",
    "a/\ud800",
    "a/\ufffd",
  ];
  expect(good.filter((one) => isFilter(one, defaultLimits))).toEqual(good);
  expect(bad.filter((one) => isFilter(one, defaultLimits))).toEqual([]);
});

test("MQTT-3.3.2-2: a topic holds no wildcard; length and depth are bounded, in bytes and levels", () => {
  const limits = { topicBytes: 10, topicLevels: 3 };
  expect(["a", "a/b/c", "äöü", "a b"].every((one) => isTopic(one, limits))).toBe(true);
  expect(["+", "a/#", "", "a/b/c/d", "ääääää", "12345678901"].filter((one) => isTopic(one, limits))).toEqual(
    [],
  );
});
