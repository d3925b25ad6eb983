/**
 * Which files of a folder are taken.
 *
 * Who chooses a file is taken at their word: the server looks at what is in it. Who drops a folder wants the videos in it, not a row of
 * refusals for what lies beside them.
 */

/** Extensions of video files that some systems do not know a type for. */
const EXTENSIONS =
  "3g2 3gp asf avi divx dv f4v flv m2t m2ts m2v m4v mkv mod mov mp4 mpe mpeg mpg mts mxf ogm ogv qt rm rmvb ts vob webm wmv".split(
    " ",
  );

/** Whether a file that lies in a folder looks like a video by its name and the type the system gives it. */
export function looksLikeVideo({ name, type }: { readonly name: string; readonly type: string }): boolean {
  // Hidden files are what systems and programs keep for themselves, such as "._film.mov" of macOS.
  if (name.startsWith(".")) return false;
  if (type.startsWith("video/")) return true;
  const dot = name.lastIndexOf(".");
  return dot > 0 && EXTENSIONS.includes(name.slice(dot + 1).toLowerCase());
}
