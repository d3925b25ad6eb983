import { type Command, nextSpeed } from "./keymap";
import type { Playback } from "./playback.svelte";
import { timeAt } from "./timeline";

/** Carries out a command; what it tells is shown for a moment, for nobody sees a key. */
export function perform(command: Command, playback: Playback): string | undefined {
  switch (command.do) {
    case "toggle-play":
      playback.togglePlay();
      return undefined;
    case "skip":
      playback.seek(playback.time + command.secs);
      return command.secs > 0 ? `${command.secs} s forward` : `${-command.secs} s back`;
    case "seek-share":
      playback.seek(timeAt(playback.timeline, command.share));
      return undefined;
    case "volume": {
      const { mediaVolume = 1, mediaMuted } = playback.media;
      const volume = Math.min(Math.max((mediaMuted ? 0 : mediaVolume) + command.step, 0), 1);
      playback.setVolume(volume);
      return `Volume ${Math.round(volume * 100)} %`;
    }
    case "speed": {
      const speed = nextSpeed(playback.media.mediaPlaybackRate ?? 1, command.step);
      playback.setSpeed(speed);
      return speedName(speed);
    }
    case "toggle-mute": {
      const isOff = playback.media.mediaVolumeLevel === "off";
      playback.toggleMute();
      return isOff ? "Sound on" : "Sound off";
    }
    case "toggle-captions": {
      if (!playback.media.mediaSubtitlesList?.length) return "This video has no captions";
      const isOn = (playback.media.mediaSubtitlesShowing?.length ?? 0) > 0;
      playback.toggleCaptions();
      return isOn ? "Captions off" : "Captions on";
    }
    case "toggle-fullscreen":
      playback.toggleFullscreen();
      return undefined;
    case "toggle-pip":
      playback.togglePictureInPicture();
      return undefined;
    case "help":
      return undefined;
  }
}

/** `1.5×`, or `Normal speed`. */
export function speedName(speed: number): string {
  return speed === 1 ? "Normal speed" : `${speed}×`;
}
