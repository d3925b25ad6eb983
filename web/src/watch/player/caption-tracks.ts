/**
 * Lets the captions of hls.js in: it gives their elements an empty `data:` address, which the policy of the pages refuses with a complaint
 * as soon as they are shown. They get one that is as empty and let in. Returns what ends it.
 */
export function admitCaptions(video: HTMLVideoElement): () => void {
  const empty = URL.createObjectURL(new Blob(["WEBVTT\n"], { type: "text/vtt" }));
  const observer = new MutationObserver(() => {
    for (const track of video.querySelectorAll<HTMLTrackElement>('track[src^="data:"]')) track.src = empty;
  });
  observer.observe(video, { childList: true });
  return () => {
    observer.disconnect();
    URL.revokeObjectURL(empty);
  };
}
