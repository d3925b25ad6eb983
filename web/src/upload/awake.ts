/** What holds while something is sent: the screen stays on, and leaving the page asks first. */

let isSending = false;
let wakeLock: WakeLockSentinel | undefined;

/** Says whether something is being sent. */
export function keepAwake(sending: boolean): void {
  if (sending === isSending) return;
  isSending = sending;
  if (sending) {
    addEventListener("beforeunload", askBeforeLeaving);
    document.addEventListener("visibilitychange", takeWakeLock);
    void takeWakeLock();
  } else {
    removeEventListener("beforeunload", askBeforeLeaving);
    document.removeEventListener("visibilitychange", takeWakeLock);
    void wakeLock?.release();
    wakeLock = undefined;
  }
}

function askBeforeLeaving(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

/** The system takes the lock away whenever the page is hidden, so it is asked for again. It may refuse, to save the battery. */
async function takeWakeLock(): Promise<void> {
  const locks = navigator.wakeLock as WakeLock | undefined;
  if (document.visibilityState !== "visible") return;
  const taken = await locks?.request("screen").catch(() => undefined);
  if (isSending) wakeLock = taken;
  else void taken?.release();
}
