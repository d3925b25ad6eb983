import { createSubscriber } from "svelte/reactivity";

const subscribe = createSubscriber((update) => {
  addEventListener("online", update);
  addEventListener("offline", update);
  return () => {
    removeEventListener("online", update);
    removeEventListener("offline", update);
  };
});

/** The device's own word on its connection. Reactive. */
export const network = {
  get isOnline(): boolean {
    subscribe();
    return navigator.onLine;
  },
};
