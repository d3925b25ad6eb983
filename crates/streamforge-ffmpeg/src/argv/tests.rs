use std::time::Duration;

use streamforge_core::limits::Limits;
use streamforge_core::rate::FrameRate;
use streamforge_core::settings::Settings;
use streamforge_core::source::SourceProfile;

use super::*;

/// 720p25 with sound, 60 s, changed by `change`.
fn plan(change: impl FnOnce(&mut SourceProfile, &mut Settings)) -> Plan {
    let mut source: SourceProfile = serde_json::from_value(serde_json::json!({
        "container": "mov", "size_bytes": 1000, "start_us": 0,
        "video": {
            "stream_index": 0, "codec": "h264", "width": 1280, "height": 720, "sample_aspect_ratio": [1, 1],
            "turned": false, "pix_fmt": "yuv420p",
            "color": { "full_range": false, "space": null, "primaries": null, "transfer": null },
            "interlaced": false, "rate": [25, 1], "constant_rate": true,
            "start_us": 0, "end_us": 60_000_000, "longest_gop_us": null,
        },
        "audio": { "stream_index": 1, "codec": "aac", "sample_rate": 48_000, "language": null, "start_us": 0, "end_us": 60_000_000 },
    }))
    .unwrap();
    let mut settings = Settings::default();
    change(&mut source, &mut settings);
    Plan::new(source, settings, &Limits::default()).unwrap()
}

fn input() -> Vec<String> {
    words("-f mov -i URL")
}

fn video(plan: &Plan, chunk: usize) -> Command {
    video_chunk(plan, plan.chunks[chunk], plan.attempts()[0], 3, &input())
}

/// One option a line, for reading.
fn lines(command: &Command) -> String {
    command
        .args
        .join(" ")
        .replace(" -", "\n-")
        .replace(';', "\n  ")
}

fn graph(command: &Command) -> &str {
    let at = command
        .args
        .iter()
        .position(|arg| arg == "-filter_complex")
        .unwrap();
    &command.args[at + 1]
}

#[test]
fn the_first_chunk_has_the_rungs_the_strip_and_the_poster() {
    let command = video(&plan(|_, _| ()), 0);
    insta::assert_snapshot!(lines(&command), @r"
    -hide_banner
    -nostdin
    -v warning
    -max_error_rate 1
    -progress pipe:3
    -stats_period 0.5
    -copyts
    -noaccurate_seek
    -f mov
    -i URL
    -filter_complex [0:0]setpts=PTS-(0.000000)/TB,fps=25/1:start_time=0,trim=start_pts=0:end_pts=100,scale=1280:720:flags=bicubic,format=yuv420p,setsar=1,split=4[v0][strip][s1][still]
      [s1]scale=640:360:flags=bicubic,setsar=1[v1]
      [strip]select=not(mod(n\,100)),scale=160:90:flags=area,format=yuvj420p,tile=1x1[tiles]
      [still]select=not(mod(n\,25)),scale=1280:720:flags=bicubic,format=yuvj420p[poster]
    -map [v0]
    -c:v libx264
    -threads 3
    -preset veryfast
    -profile:v high
    -crf 21
    -maxrate 2500000
    -bufsize 3750000
    -pix_fmt yuv420p
    -bf 3
    -g 100
    -keyint_min 100
    -sc_threshold 0
    -color_range tv
    -colorspace bt709
    -color_primaries bt709
    -color_trc bt709
    -map_metadata
    -1
    -map_chapters
    -1
    -f mp4
    -use_editlist 0
    -movflags +cmaf+empty_moov+default_base_moof+frag_discont+skip_trailer+frag_keyframe
    -video_track_timescale 25000 pipe:4
    -map [v1]
    -c:v libx264
    -threads 3
    -preset veryfast
    -profile:v high
    -crf 22
    -maxrate 900000
    -bufsize 1350000
    -pix_fmt yuv420p
    -bf 3
    -g 100
    -keyint_min 100
    -sc_threshold 0
    -color_range tv
    -colorspace bt709
    -color_primaries bt709
    -color_trc bt709
    -map_metadata
    -1
    -map_chapters
    -1
    -f mp4
    -use_editlist 0
    -movflags +cmaf+empty_moov+default_base_moof+frag_discont+skip_trailer+frag_keyframe
    -video_track_timescale 25000 pipe:5
    -map [tiles]
    -c:v mjpeg
    -q:v 5
    -fps_mode passthrough
    -f image2pipe pipe:6
    -map [poster]
    -c:v mjpeg
    -q:v 3
    -fps_mode passthrough
    -f image2pipe pipe:7
    ");
    assert_eq!(
        command.pipes,
        [
            Pipe::Progress,
            Pipe::Track(0),
            Pipe::Track(1),
            Pipe::Storyboard,
            Pipe::Poster
        ]
    );
}

#[test]
fn a_later_chunk_seeks_and_is_cut_on_the_grid() {
    let plan = plan(|_, _| ());
    let command = video(&plan, 1);
    assert!(
        lines(&command).contains("-noaccurate_seek\n-ss 4.000000\n-f mov"),
        "{}",
        lines(&command)
    );
    assert!(
        graph(&command).contains("fps=25/1,trim=start_pts=100:end_pts=300,"),
        "{}",
        graph(&command)
    );
    assert!(!command.pipes.contains(&Pipe::Poster));
    let last = video(&plan, plan.chunks.len() - 1);
    assert!(
        graph(&last).contains("trim=start_pts=700,"),
        "{}",
        graph(&last)
    );
}

#[test]
fn the_last_attempt_repeats_pictures_at_both_ends() {
    let plan = plan(|_, _| ());
    let command = video_chunk(&plan, plan.chunks[1], plan.attempts()[3], 3, &input());
    let graph = graph(&command);
    assert!(
        graph.contains("fps=25/1:start_time=4.000000,tpad=stop=-1:stop_mode=clone,trim="),
        "{graph}"
    );
}

#[test]
fn fields_become_frames() {
    let command = video(&plan(|source, _| source.video.interlaced = true), 1);
    assert!(
        graph(&command).contains("/TB,bwdif=mode=send_frame:deint=interlaced,fps="),
        "{}",
        graph(&command)
    );
    assert!(
        lines(&command).contains("-ss 3.840000"),
        "four frames of preroll"
    );
}

#[test]
fn high_dynamic_range_is_mapped_and_said_to_be_standard() {
    let command = video(
        &plan(|source, _| source.video.color.transfer = Some("arib-std-b67".to_owned())),
        0,
    );
    insta::assert_snapshot!(graph(&command).split(';').next().unwrap(), @"[0:0]setpts=PTS-(0.000000)/TB,fps=25/1:start_time=0,trim=start_pts=0:end_pts=100,scale=1280:720:flags=bicubic,format=yuv420p10le,setsar=1,zscale=tin=arib-std-b67:min=bt2020nc:pin=bt2020:rin=tv:t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p,split=4[v0][strip][s1][still]");
    assert!(lines(&command).contains("-color_trc bt709"));
}

#[test]
fn full_range_and_rgb_become_video_range() {
    let full = video(&plan(|source, _| source.video.color.full_range = true), 0);
    assert!(
        graph(&full).contains(":in_range=pc:out_range=tv,format=yuv420p"),
        "{}",
        graph(&full)
    );
    let rgb = video(
        &plan(|source, _| source.video.pix_fmt = "gbrp".to_owned()),
        0,
    );
    assert!(
        graph(&rgb).contains(":out_color_matrix=bt709:out_range=tv"),
        "{}",
        graph(&rgb)
    );
}

#[test]
fn a_lossless_rung_has_no_rate_control() {
    let command = video(&plan(|_, settings| settings.ladder.rungs[1].crf = 0), 0);
    assert!(lines(&command).contains("-qp 0"));
    assert_eq!(lines(&command).matches("-crf").count(), 1);
}

#[test]
fn transport_streams_keep_their_clock() {
    let command = video(
        &plan(|_, settings| settings.segment_format = SegmentFormat::MpegTs),
        0,
    );
    assert!(
        lines(&command).contains(
            "-muxpreload 0\n-output_ts_offset 10\n-avoid_negative_ts disabled\n-f mpegts"
        )
    );
    assert!(!lines(&command).contains("movflags"));
}

#[test]
fn the_first_audio_chunk_drops_the_encoders_priming() {
    let plan = plan(|_, _| ());
    let command = audio_chunk(
        &plan,
        plan.audio.as_ref().unwrap().chunks[0],
        AudioLead::Near,
        &input(),
    );
    insta::assert_snapshot!(lines(&command), @r"
    -hide_banner
    -nostdin
    -v warning
    -max_error_rate 1
    -progress pipe:3
    -stats_period 0.5
    -copyts
    -noaccurate_seek
    -f mov
    -i URL
    -map 0:1
    -af asetpts=PTS-(0.000000)/TB,aresample=48000,aresample=async=1:first_pts=0,aresample=48000,aformat=sample_fmts=fltp:channel_layouts=stereo,apad,atrim=start_pts=0:end_pts=194560
    -c:a aac
    -b:a 128000
    -bsf:a noise=drop=lt(n\,1)+gte(n\,189)
    -map_metadata
    -1
    -map_chapters
    -1
    -f mp4
    -use_editlist 0
    -movflags +cmaf+empty_moov+default_base_moof+frag_discont+skip_trailer
    -frag_duration 4000000 pipe:4
    ");
    assert_eq!(command.pipes, [Pipe::Progress, Pipe::Track(0)]);
}

#[test]
fn a_later_audio_chunk_is_led_into() {
    let plan = plan(|source, _| source.audio.as_mut().unwrap().sample_rate = 44_100);
    let command = audio_chunk(
        &plan,
        plan.audio.as_ref().unwrap().chunks[2],
        AudioLead::Near,
        &input(),
    );
    let lines = lines(&command);
    // Five segments are 940 packets of 1024 samples; eight packets earlier is 954368, 19.9 s.
    assert!(
        lines.contains("aresample=44100,aresample=async=1:first_pts=837900,aresample=48000,"),
        "{lines}"
    );
    assert!(lines.contains("atrim=start_pts=954368:"), "{lines}");
    assert!(
        lines.contains("noise=drop=lt(n\\,9)+gte(n\\,1882)"),
        "{lines}"
    );
    assert!(lines.contains("-ss 16.000000"), "{lines}");
}

#[test]
fn packets_of_sound_are_put_where_their_number_says() {
    let plan = plan(|source, _| {
        source.audio.as_mut().unwrap().packet_rate = FrameRate::new(48_000, 1024);
    });
    let chunk = plan.audio.as_ref().unwrap().chunks[0];
    let lines = lines(&audio_chunk(&plan, chunk, AudioLead::Near, &input()));
    assert!(
        lines.contains(
            "-af asetpts='st(0,SR*8/375)\n  st(1,round(SR*(0.000000)))\n  \
             st(2,PTS+NB_SAMPLES-ld(1))\n  st(3,round(ld(2)/ld(0))*ld(0))\n  \
             PTS+if(lt(abs(ld(3)-ld(2)),SR*0.002),ld(3)-ld(2))-round(SR*(0.000000))',aresample="
        ),
        "{lines}"
    );
}

#[test]
fn sound_that_ended_long_ago_is_still_decoded_for_the_silence_to_follow() {
    let plan = plan(|source, settings| {
        source.audio.as_mut().unwrap().end_us = 10_000_000;
        settings.segment = Duration::from_secs(1);
    });
    let chunks = &plan.audio.as_ref().unwrap().chunks;
    let command = audio_chunk(&plan, *chunks.last().unwrap(), AudioLead::Near, &input());
    assert!(
        lines(&command).contains("-ss 5.000000"),
        "{}",
        lines(&command)
    );
}

#[test]
fn the_second_attempt_at_sound_decodes_it_from_its_start() {
    let plan = plan(|_, _| ());
    let chunk = plan.audio.as_ref().unwrap().chunks[1];
    let lines = lines(&audio_chunk(&plan, chunk, AudioLead::Start, &input()));
    assert!(
        lines.contains("first_pts=0,") && !lines.contains("-ss"),
        "{lines}"
    );
}

#[test]
fn times_are_written_as_decimals() {
    assert_eq!(seconds(-1_000_250), "-1.000250");
    assert_eq!(seconds(95_443_717_000), "95443.717000");
}
