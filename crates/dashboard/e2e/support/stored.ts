// What the tracker's tests ask of the service.

import { expect } from "@playwright/test";

import type { Footfall, StoredEvent } from "./server.ts";

/** Waits until so many events are stored, and hands them over. More than that is an error at once. */
export async function stored(footfall: Footfall, count: number, query = ""): Promise<StoredEvent[]> {
  let events: StoredEvent[] = [];
  const look = async () => (events = await footfall.events(query)).length;
  await expect.poll(look, { message: `${count} events are stored` }).toBeGreaterThanOrEqual(count);
  expect(events.map(({ event_type, properties }) => [event_type, properties])).toHaveLength(count);
  return events;
}

/** The pages of events, as paths. */
export const paths = (events: StoredEvent[]): string[] =>
  events.map(({ properties }) => {
    const { pathname, search } = new URL(String(properties.page));
    return pathname + search;
  });
