import type { IconName } from "../../ui/icons";
import { SPEEDS } from "./keymap";
import { speedName } from "./perform";
import type { Playback } from "./playback.svelte";
import { qualityChoices } from "./quality";

/** Something that is chosen in the menu. */
export interface Setting {
  name: string;
  icon: IconName;
  choices: readonly Choice[];
}

/** One of its values. */
export interface Choice {
  label: string;
  /** What is beside the label. */
  note: string;
  isChosen: boolean;
  choose(): void;
}

/** The settings of a playback as they are now. */
export function settingsOf(playback: Playback): Setting[] {
  return [
    { name: "Quality", icon: "activity", choices: qualities(playback) },
    { name: "Speed", icon: "speed", choices: speeds(playback) },
    { name: "Captions", icon: "captions", choices: captions(playback) },
  ];
}

/** What a setting stands at, such as `Auto 720p`. */
export function valueOf(choices: readonly Choice[]): string {
  const chosen = choices.find(({ isChosen }) => isChosen);
  return chosen ? `${chosen.label} ${chosen.note}`.trim() : "";
}

/** Which of `count` rows of a menu a key goes to from the one at `here`; at an end it goes on at the other. */
export function rowAfter(key: string, here: number, count: number): number | undefined {
  const steps: Record<string, number> = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: count - 1 };
  const next = steps[key];
  return next === undefined ? undefined : (next + count) % count;
}

function qualities(playback: Playback): Choice[] {
  return qualityChoices(playback.rungs, playback.shown).map(({ rung, label, note }) => {
    const isChosen = rung === playback.chosen;
    return { label, note, isChosen, choose: () => playback.chooseRung(rung) };
  });
}

function speeds(playback: Playback): Choice[] {
  const now = playback.media.mediaPlaybackRate ?? 1;
  return SPEEDS.map((speed) => {
    return {
      label: speedName(speed),
      note: "",
      isChosen: speed === now,
      choose: () => playback.setSpeed(speed),
    };
  });
}

function captions(playback: Playback): Choice[] {
  const { mediaSubtitlesList: tracks = [], mediaSubtitlesShowing: shown = [] } = playback.media;
  const none = tracks.length > 0 ? "Off" : "None in this video";
  const off = {
    label: none,
    note: "",
    isChosen: shown.length === 0,
    choose: () => playback.chooseCaptions(undefined),
  };
  const on = tracks.map(({ label, language }, track) => {
    const isChosen = shown.some((one) => one.label === label && one.language === language);
    return { label: label || language, note: "", isChosen, choose: () => playback.chooseCaptions(track) };
  });
  return [off, ...on];
}
