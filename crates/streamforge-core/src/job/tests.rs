use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// A task whose attempts are counted.
const JOB: Task = Task::Encode(Job::Video(0));

/// What may happen to a task, in any order.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A worker is asked for it.
    Start(u8),
    /// A worker says that it is still at it.
    Renew(u8),
    /// A worker lets it go.
    Release(u8),
    /// So many seconds pass.
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..4_u8).prop_map(Step::Start),
        (0..4_u8).prop_map(Step::Renew),
        (0..4_u8).prop_map(Step::Release),
        (1..90_u64).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    /// Kept by hand beside it: who believes to have the task, and since when it may be believed.
    #[test]
    fn a_task_is_never_given_to_two_who_are_alive(steps in steps()) {
        let mut state = TaskState::default();
        let mut now = Timestamp(1_000_000);
        let mut believed: Option<(u8, Timestamp)> = None;
        let mut attempts = 0;
        for step in steps {
            match step {
                Step::Wait(secs) => now = now.after(Duration::from_secs(secs)),
                Step::Start(worker) => {
                    let alive = believed.filter(|(_, since)| now.since(*since) < LEASE);
                    match state.start(JOB, &worker.to_string(), now) {
                        Start::Attempt(attempt) => {
                            prop_assert!(alive.is_none_or(|(other, _)| other == worker));
                            if alive.is_none() {
                                attempts += 1;
                                believed = Some((worker, now));
                            }
                            prop_assert_eq!(attempt, attempts);
                        }
                        Start::Taken(wait) => {
                            let (other, since) = alive.unwrap();
                            prop_assert_ne!(other, worker);
                            prop_assert_eq!(now.after(wait), since.after(LEASE));
                        }
                        Start::Exhausted => prop_assert!(attempts == MAX_ATTEMPTS && alive.is_none()),
                        Start::Done => prop_assert!(false),
                    }
                }
                Step::Renew(worker) => {
                    let ours = believed.is_some_and(|(holder, _)| holder == worker);
                    prop_assert_eq!(state.renew(&worker.to_string(), now), ours);
                    if ours {
                        believed = Some((worker, now));
                    }
                }
                Step::Release(worker) => {
                    let ours = believed.take_if(|(holder, _)| *holder == worker).is_some();
                    prop_assert_eq!(state.release(&worker.to_string()), ours);
                }
            }
        }
    }

    /// Jobs finish and writers come, die or write in any order: in the end one writer who stays tells of all.
    #[test]
    fn what_is_wanted_is_published_whoever_dies(deaths in proptest::collection::vec(0..3_u8, 0..40)) {
        let mut state = PublishState::default();
        let mut now = Timestamp(1_000_000);
        for (writer, death) in deaths.into_iter().enumerate() {
            let writer = writer.to_string();
            state.wanted += 1;
            let claimed = state.claim(&writer, now);
            if let Ok(wanted) = claimed {
                prop_assert_eq!(wanted, state.wanted);
                match death {
                    // It dies with the lease in its hand.
                    0 => {}
                    1 => state.release(&writer),
                    _ => {
                        // A job ends while it writes: it must go on, and is still the only one.
                        state.wanted += 1;
                        prop_assert_eq!(state.written(&writer, wanted, now), Some(wanted + 1));
                        prop_assert!(state.claim("another", now).is_err());
                        prop_assert_eq!(state.written(&writer, wanted + 1, now), None);
                        prop_assert_eq!(state.published, state.wanted);
                    }
                }
            } else {
                now = now.after(LEASE / 4);
            }
        }
        now = now.after(LEASE);
        let wanted = state.claim("last", now).unwrap();
        prop_assert_eq!(state.written("last", wanted, now), None);
        prop_assert_eq!((state.published, state.lease), (state.wanted, None));
    }
}

#[test]
fn a_writer_that_lost_its_lease_does_not_count() {
    let mut state = PublishState {
        wanted: 3,
        ..PublishState::default()
    };
    let begun = Timestamp(0);
    assert_eq!(state.claim("slow", begun), Ok(3));
    let late = begun.after(LEASE);
    assert_eq!(state.claim("next", late), Ok(3));
    assert_eq!(state.written("slow", 3, late), None);
    assert_eq!(state.published, 0);
    assert_eq!(state.claim("third", late), Err(LEASE));
}

#[test]
fn a_lost_answer_does_not_cost_an_attempt() {
    let mut state = TaskState::default();
    let now = Timestamp(0);
    assert_eq!(state.start(JOB, "a", now), Start::Attempt(1));
    assert_eq!(state.start(JOB, "a", now), Start::Attempt(1));
    assert_eq!(state.start(JOB, "b", now), Start::Taken(LEASE));
}

#[test]
fn what_has_to_be_done_in_the_end_is_tried_for_ever() {
    for task in [Task::Remove, Task::Publish] {
        let mut state = TaskState::default();
        let mut now = Timestamp(0);
        for attempt in 1..20 {
            // The one before died, or let it go.
            assert_eq!(state.start(task, "a", now), Start::Attempt(attempt));
            now = now.after(LEASE);
        }
    }
}

#[test]
fn pauses_between_attempts_grow_and_end() {
    let pauses: Vec<Duration> = (1..10).map(backoff).collect();
    assert!(pauses.is_sorted());
    assert_eq!(pauses[0], Duration::from_secs(5));
    let distinct: HashSet<_> = pauses.iter().collect();
    assert_eq!(distinct.len(), 5);
    assert!(
        pauses[8] < Duration::from_hours(12),
        "the most that SQS hides a message for"
    );
}
