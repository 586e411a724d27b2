import { expect, it } from "vitest";
import { alignPrevious, lineOf, sentenceOf, type Series } from "./line";

const hour = 3_600_000;
const start = Date.parse("2026-11-25T09:00:00Z");
const series = (values: number[], shift = 0): Series => ({
  points: values.map((value, index) => ({ start: new Date(start + shift + index * hour).toISOString(), value })),
  span: { from: start + shift + hour / 2, to: start + shift + values.length * hour - hour / 2 },
  interval: "hour",
  zone: "UTC",
  at: start + shift + values.length * hour,
});

it("lays the period before under this one, from the end", () => {
  expect(alignPrevious([1, 2, 3], ["a", "b", "c"])).toEqual(["a", "b", "c"]);
  expect(alignPrevious([1, 2, 3], ["x", "a", "b", "c"])).toEqual(["a", "b", "c"]);
  expect(alignPrevious([1, 2, 3], ["b", "c"])).toEqual([null, "b", "c"]);
  expect(alignPrevious([1], [])).toEqual([null]);
});

it("knows which points are of a part of their interval", () => {
  const line = lineOf(series([1, 2, 3]), series([4, 5, 6], -3 * hour));
  expect(line).toMatchObject({ current: [1, 2, 3], previous: [4, 5, 6], partFirst: true, partLast: true });
  const whole = { from: start, to: start + 3 * hour };
  expect(lineOf({ ...series([1, 2, 3]), span: whole }, undefined)).toMatchObject({ partFirst: false, partLast: false });
  expect(lineOf({ ...series([1, 2, 3]), span: whole, at: whole.to - 1 }, undefined)).toMatchObject({ partFirst: false, partLast: true });
});

it("says in a sentence what is to be seen", () => {
  const sentence = sentenceOf(lineOf(series([1, 1200, 3]), undefined), "Visitors", "hour", "the last 24 hours");
  expect(sentence).toBe(
    "Visitors by hour in the last 24 hours: at most 1,200 (Wed 25 Nov, 10:00–11:00), at least 1 (Wed 25 Nov, 09:00–10:00). The table has every value.",
  );
  expect(sentenceOf(lineOf(series([0, 0]), undefined), "Events", "hour", "the last hour")).toBe("Events by hour in the last hour: none.");
});
