import { createSubscriber } from "svelte/reactivity";

/** How often the time moves on for what is shown, in milliseconds. */
const TICK_MS = 30_000;

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, TICK_MS);
  return () => clearInterval(timer);
});

/** The time, for words such as "3 minutes ago". Reactive. */
export function now(): Date {
  subscribe();
  return new Date();
}
