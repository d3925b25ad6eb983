//! `--json`: the events, for programs that wait for us.

use serde_json::Value;

use super::run::Run;
use super::sandbox::Sandbox;

#[test]
fn events_come_in_order_and_say_what_was_done() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 8);
    let output = sandbox.path("out");
    let run = Run::through(
        sandbox
            .transcode(&source, &output)
            .args(["--segment-secs", "1"]),
    );

    let planned = run.the("planned");
    assert_eq!(planned["rungs"], serde_json::json!(["180p"]));
    assert_eq!(planned["frames"], 200);
    assert_eq!(planned["frame_rate"], serde_json::json!([25, 1]));
    assert_eq!(planned["jobs_done"], 0);
    assert_eq!(&run.events[0], planned, "the plan comes first");

    let finished = run.the("finished");
    assert_eq!(finished["jobs_run"], planned["jobs"]);
    assert_eq!(
        finished["playlist"],
        output.join("master.m3u8").to_str().unwrap()
    );
    assert_eq!(run.events.last(), Some(finished), "the end comes last");

    // 8 s of video: chunks of 1, 2, 4 and 1 segments; of sound: 1, 4 and 3.
    let video: Vec<String> = (0..4)
        .map(|index| format!(r#"{{"video":{index}}}"#))
        .collect();
    let audio: Vec<String> = (0..3)
        .map(|index| format!(r#"{{"audio":{index}}}"#))
        .collect();
    assert_eq!(run.jobs(), [audio, video].concat());

    let place = |name: &str| run.events.iter().position(|event| event["event"] == name);
    run.the("playable");
    assert!(
        place("job_done") < place("playable"),
        "it plays when the first jobs are done"
    );

    let numbers = |name: &str, key: &str| -> Vec<f64> {
        let events = run.all(name).into_iter();
        events
            .map(|event| event[key].as_f64().expect("a number"))
            .collect()
    };
    let frames = numbers("progress", "frames");
    assert!(
        frames.is_sorted() && frames.iter().all(|frames| *frames <= 200.0),
        "{frames:?}"
    );
    let times = numbers("job_done", "elapsed_secs");
    assert!(
        times.is_sorted() && times.iter().all(|secs| *secs <= run.elapsed.as_secs_f64()),
        "{times:?}"
    );
    // What the probe read is still in memory: a small source need not be read again.
    assert_eq!(numbers("job_done", "source_bytes").len(), times.len());
    assert_eq!(run.stderr, "", "people are told nothing");
}

#[test]
fn a_refusal_is_an_event_with_a_code_and_a_sentence() {
    let sandbox = Sandbox::new();
    let source = sandbox.make("tone.m4a", "-f lavfi -i sine=duration=1");
    let run = Run::of(&mut sandbox.transcode(&source, &sandbox.path("out")));

    assert_eq!(run.status.code(), Some(3), "{run:#?}");
    let [refused] = &run.events[..] else {
        panic!("one event: {run:#?}");
    };
    assert_eq!(refused["event"], "refused");
    assert_eq!(refused["code"], "no_video_track");
    let message = refused["message"].as_str().expect("a sentence");
    assert_eq!(
        run.stderr,
        format!("error: {}: {message}\n", source.display())
    );
    assert!(!sandbox.path("out").exists(), "nothing was begun");
    sandbox.assert_nothing_left_behind();
}

#[test]
fn a_failure_is_an_event_with_the_same_sentence_as_for_people() {
    let sandbox = Sandbox::new();
    let run = Run::of(&mut sandbox.transcode("missing.mp4".as_ref(), &sandbox.path("out")));
    assert_eq!(run.status.code(), Some(1), "{run:#?}");
    let [failed] = &run.events[..] else {
        panic!("one event: {run:#?}");
    };
    assert_eq!(failed["event"], "failed");
    let message = failed["message"].as_str().expect("a sentence");
    assert_eq!(run.stderr, format!("error: {message}\n"));
    assert!(
        matches!(&failed["code"], Value::Null),
        "only refusals have codes"
    );
}

#[test]
fn nobody_listening_is_no_reason_to_stop() {
    let sandbox = Sandbox::new();
    let source = sandbox.make_clip("source.mp4", 2);
    let output = sandbox.path("out");
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    drop(reader);
    let status = sandbox.transcode(&source, &output).stdout(writer).status();
    assert!(status.expect("the program can be started").success());
    sandbox.assert_follows_the_rules(&output);
}
