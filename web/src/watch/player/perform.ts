import { type Command, nextSpeed } from "./keymap";
import type { Playback } from "./playback.svelte";
import { timeAt } from "./timeline";

/** What is shown for a moment after a command, for nobody sees a key: words, or the still at a time. */
export interface Echo {
  words?: string;
  time?: number;
}

/** Carries out a command. */
export function perform(command: Command, playback: Playback): Echo {
  const { media } = playback;
  switch (command.do) {
    case "toggle-play":
      playback.togglePlay();
      return {};
    case "skip": {
      const words = command.secs > 0 ? `${command.secs} s forward` : `${-command.secs} s back`;
      return { words, time: playback.skip(command.secs) };
    }
    case "seek-share":
      return { time: playback.seek(timeAt(playback.timeline, command.share)) };
    case "volume": {
      const volume = Math.min(Math.max((playback.isOff() ? 0 : playback.video.volume) + command.step, 0), 1);
      playback.setVolume(volume);
      return { words: `Volume ${Math.round(volume * 100)} %` };
    }
    case "speed": {
      const speed = nextSpeed(playback.video.playbackRate, command.step);
      playback.setSpeed(speed);
      return { words: speedName(speed) };
    }
    case "toggle-mute": {
      const isOff = playback.isOff();
      playback.toggleMute();
      return { words: isOff ? "Sound on" : "Sound off" };
    }
    case "toggle-captions": {
      if (!media.mediaSubtitlesList?.length) return { words: "This video has no captions" };
      const isOn = (media.mediaSubtitlesShowing?.length ?? 0) > 0;
      playback.toggleCaptions();
      return { words: isOn ? "Captions off" : "Captions on" };
    }
    case "toggle-fullscreen":
      playback.toggleFullscreen();
      return {};
    case "toggle-pip":
      playback.togglePictureInPicture();
      return {};
    case "help":
      return {};
  }
}

/** `1.5×`, or `Normal speed`. */
export function speedName(speed: number): string {
  return speed === 1 ? "Normal speed" : `${speed}×`;
}
