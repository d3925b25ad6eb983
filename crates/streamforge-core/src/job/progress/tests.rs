use proptest::prelude::*;

use super::*;
use crate::limits::Limits;
use crate::rate::FrameRate;
use crate::settings::Settings;
use crate::source::{Color, Container, SourceProfile, VideoTrack};

/// An hour of 30 frames a second without sound: 900 segments in 115 chunks.
fn plan() -> Plan {
    let source = SourceProfile {
        container: Container::Mov,
        size_bytes: 1 << 30,
        start_us: 0,
        video: VideoTrack {
            stream_index: 0,
            codec: "h264".to_owned(),
            width: 1280,
            height: 720,
            sample_aspect_ratio: (1, 1),
            turned: false,
            rotation_degrees: None,
            pix_fmt: "yuv420p".to_owned(),
            color: Color::default(),
            interlaced: false,
            rate: FrameRate::new(30, 1).unwrap(),
            constant_rate: true,
            start_us: 0,
            end_us: 3_600_000_000,
            longest_gop_us: None,
        },
        audio: None,
    };
    Plan::new(source, Settings::default(), &Limits::default()).unwrap()
}

fn done_at(secs: u64) -> TaskState {
    TaskState {
        attempts: 1,
        done: true,
        touched_at: Timestamp(1000 * secs),
        ..TaskState::default()
    }
}

/// The first `count` video jobs, of which each took ten seconds after the other.
fn ten_seconds_each(count: u32) -> BTreeMap<Job, TaskState> {
    (0..count)
        .map(|index| (Job::Video(index), done_at(10 * u64::from(index))))
        .collect()
}

fn eta(jobs: &BTreeMap<Job, TaskState>, now_secs: u64) -> Option<u64> {
    Progress::new(&plan(), jobs, &BTreeMap::new(), Timestamp(1000 * now_secs)).eta_secs
}

#[test]
fn nothing_is_said_of_the_end_until_there_is_something_to_go_by() {
    assert_eq!(eta(&BTreeMap::new(), 5), None);
    assert_eq!(eta(&ten_seconds_each(1), 10), None);
    assert!(eta(&ten_seconds_each(2), 10).is_some());
    let all = u32::try_from(plan().chunks.len()).unwrap();
    assert_eq!(eta(&ten_seconds_each(all), 9999), None);
}

#[test]
fn work_at_an_even_pace_ends_when_it_was_said_to() {
    // 383 of 900 segments are done, eight in ten seconds.
    let left = eta(&ten_seconds_each(50), 490).unwrap();
    assert!((645..=647).contains(&left), "{left} s");
}

#[test]
fn frames_of_running_jobs_shorten_the_wait() {
    let running = JobProgress {
        frames: 480,
        segments: vec![4; 3],
    };
    let running = BTreeMap::from([(Job::Video(50), running)]);
    let jobs = ten_seconds_each(50);
    let told = Progress::new(&plan(), &jobs, &running, Timestamp(490_000));
    assert!(told.eta_secs < eta(&jobs, 490));
    assert!(told.percent > 42.9 && told.percent < 43.1);
}

#[test]
fn a_night_without_power_is_not_held_against_the_work() {
    let before = eta(&ten_seconds_each(50), 490).unwrap();
    let after = eta(&ten_seconds_each(50), 490 + 8 * 3600).unwrap();
    assert!(after < 3 * before, "{after} s after {before} s");

    // And it is forgotten once enough jobs have ended since.
    let mut jobs = ten_seconds_each(100);
    for (job, state) in &mut jobs {
        if matches!(job, Job::Video(index) if *index >= 50) {
            state.touched_at.0 += 8 * 3_600_000;
        }
    }
    let left = eta(&jobs, 990 + 8 * 3600).unwrap();
    assert!((145..=147).contains(&left), "{left} s");
}

#[test]
fn a_job_whose_last_attempt_failed_is_named_until_it_is_done() {
    let mut jobs = ten_seconds_each(3);
    let failed = TaskState {
        attempts: 2,
        error: Some("the disk is full".to_owned()),
        ..TaskState::default()
    };
    jobs.insert(Job::Video(7), failed);
    let told = Progress::new(&plan(), &jobs, &BTreeMap::new(), Timestamp(30_000));
    let expected = FailingJob {
        job: Job::Video(7),
        attempts: 2,
        error: "the disk is full".to_owned(),
    };
    assert_eq!(told.failing, [expected]);

    let repaired = TaskState {
        error: Some("the disk is full".to_owned()),
        ..done_at(40)
    };
    jobs.insert(Job::Video(7), repaired);
    let told = Progress::new(&plan(), &jobs, &BTreeMap::new(), Timestamp(40_000));
    assert_eq!(told.failing, []);
}

proptest! {
    #[test]
    fn progress_is_a_share_and_ends_at_a_hundred(
        done in proptest::collection::btree_map(0_u32..115, any::<u64>(), 0..115),
        frames in 0_u64..2000,
        now: u64,
    ) {
        let plan = plan();
        let jobs: BTreeMap<Job, TaskState> = done
            .iter()
            .map(|(index, ended)| {
                let state = TaskState { done: true, touched_at: Timestamp(*ended), ..TaskState::default() };
                (Job::Video(*index), state)
            })
            .collect();
        let running = (0..115).map(|index| (Job::Video(index), JobProgress { frames, segments: vec![9; 3] })).collect();
        let told = Progress::new(&plan, &jobs, &running, Timestamp(now));
        prop_assert!((0.0..=100.0).contains(&told.percent));
        prop_assert_eq!(told.percent > 99.5, done.len() == plan.chunks.len());
        prop_assert!(told.rungs.iter().all(|rung| rung.segments_done <= rung.segments));
    }
}
