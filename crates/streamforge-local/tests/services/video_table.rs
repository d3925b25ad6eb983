//! `VideoTable` against the embedded DynamoDB.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use streamforge_aws::error::AwsError;
use streamforge_aws::video_table::{Change, Due, VideoTable};
use streamforge_core::id::{UploadId, VideoId};
use streamforge_core::job::{JobProgress, LEASE, Start, Task};
use streamforge_core::limits::Limits;
use streamforge_core::origin::Origin;
use streamforge_core::plan::{Job, Plan};
use streamforge_core::record::{ChunkRecord, SegmentRecord, TrackRecord};
use streamforge_core::settings::Settings;
use streamforge_core::time::Timestamp;
use streamforge_core::upload::{DEFAULT_PART_BYTES, Upload, UploadStatus};
use streamforge_core::video::{Video, VideoStatus, Visibility};

use crate::Node;

/// Writers at once.
const WRITERS: u32 = 20;

fn table(node: &Node) -> VideoTable {
    VideoTable::new(node.services.dynamodb(), &node.services.resources().table)
}

fn upload(number: u128) -> Upload {
    Upload {
        id: UploadId::from_random(number),
        video: VideoId::from_random(number),
        status: UploadStatus::Open,
        size_bytes: 1000,
        part_size_bytes: DEFAULT_PART_BYTES,
        file_name: "Ferien in Åre.mp4".to_owned(),
        content_type: None,
        fingerprint: Some("f".to_owned()),
        s3_upload_id: None,
        origin: Origin {
            request_id: Some("JKJaXmPLvHcESHA=".to_owned()),
            trace_id: None,
        },
        created_at: Timestamp(1000),
        expires_at: Timestamp(2000),
    }
}

fn video(number: u128) -> Video {
    Video {
        id: VideoId::from_random(number),
        owner: "owner".to_owned(),
        upload: UploadId::from_random(number),
        title: "Ferien in Åre".to_owned(),
        visibility: Visibility::Unlisted,
        status: VideoStatus::Uploading,
        playable: false,
        failure: None,
        size_bytes: 0,
        duration: Some(Duration::from_millis(12_345)),
        display_size: Some((1920, 1080)),
        has_source: false,
        has_poster: false,
        revision: 0,
        created_at: Timestamp(u64::try_from(number).unwrap()),
        updated_at: Timestamp(0),
        queued_at: None,
        ready_at: None,
    }
}

/// Announces upload and video of this number.
async fn announce(table: &VideoTable, number: u128, due: Timestamp) -> (Upload, Video) {
    let (upload, video) = (upload(number), video(number));
    assert!(table.create(&upload, &video, due).await.unwrap());
    (upload, video)
}

fn plan() -> Plan {
    let source = serde_json::from_value(serde_json::json!({
        "container": "mov", "size_bytes": 1000, "start_us": 0,
        "video": {
            "stream_index": 0, "codec": "h264", "width": 854, "height": 480, "sample_aspect_ratio": [1, 1],
            "turned": false, "pix_fmt": "yuv420p",
            "color": { "full_range": false, "space": null, "primaries": null, "transfer": null },
            "interlaced": false, "rate": [30_000, 1001], "constant_rate": true,
            "start_us": 0, "end_us": 14_014_000, "longest_gop_us": null,
        },
        "audio": { "stream_index": 1, "codec": "aac", "sample_rate": 48_000, "packet_rate": null, "language": "deu", "start_us": 0, "end_us": 14_010_000 },
    }));
    Plan::new(source.unwrap(), Settings::default(), &Limits::default()).unwrap()
}

fn record(bytes: u64) -> ChunkRecord {
    ChunkRecord {
        tracks: vec![TrackRecord {
            codec: "avc1.64001f".to_owned(),
            init_sha256: Some("00".to_owned()),
            segments: vec![SegmentRecord {
                samples: 120,
                bytes,
                i_frame_bytes: 10,
            }],
        }],
    }
}

#[tokio::test]
async fn an_upload_and_its_video_are_stored_together_and_once() {
    let node = Node::start().await;
    let table = table(&node);
    let (first_upload, first_video) = announce(&table, 1, Timestamp(5)).await;
    assert_eq!(
        table.upload(&first_upload.id).await.unwrap().as_ref(),
        Some(&first_upload)
    );
    assert_eq!(
        table.video(&first_video.id).await.unwrap().as_ref(),
        Some(&first_video)
    );

    assert!(
        !table
            .create(&upload(1), &video(1), Timestamp(5))
            .await
            .unwrap()
    );
    // A new upload of a video that is taken: neither is stored.
    let mut other = video(1);
    other.title = "other".to_owned();
    assert!(
        !table
            .create(&upload(2), &other, Timestamp(5))
            .await
            .unwrap()
    );
    assert_eq!(table.upload(&upload(2).id).await.unwrap(), None);
    assert_eq!(
        table.video(&first_video.id).await.unwrap(),
        Some(first_video)
    );
    assert_eq!(table.video(&VideoId::from_random(9)).await.unwrap(), None);
}

#[tokio::test]
async fn no_update_is_lost_when_many_come_at_once() {
    let node = Node::start().await;
    let table = table(&node);
    let (_, video) = announce(&table, 1, Timestamp(5)).await;
    let writers = (0..WRITERS).map(|_| {
        let (table, id) = (table.clone(), video.id.clone());
        tokio::spawn(async move {
            let written = table.update_video(&id, Timestamp(7), |video| {
                video.size_bytes += 1;
                Ok::<_, AwsError>(Change::Write { due: None })
            });
            written.await.unwrap().unwrap().size_bytes
        })
    });
    let mut answers = BTreeSet::new();
    for writer in writers.collect::<Vec<_>>() {
        answers.insert(writer.await.unwrap());
    }
    assert_eq!(answers, (1..=u64::from(WRITERS)).collect());
    let stored = table.video(&video.id).await.unwrap().unwrap();
    assert_eq!(stored.size_bytes, u64::from(WRITERS));
    assert_eq!(stored.revision, u64::from(WRITERS));
    assert_eq!(stored.updated_at, Timestamp(7));
}

#[tokio::test]
async fn an_illegal_change_of_status_is_not_written() {
    let node = Node::start().await;
    let table = table(&node);
    let (upload, video) = announce(&table, 1, Timestamp(5)).await;
    let answer = table
        .update_video(&video.id, Timestamp(7), |video| {
            video.status = VideoStatus::Ready;
            Ok::<_, AwsError>(Change::Write { due: None })
        })
        .await
        .unwrap();
    assert_eq!(answer.as_ref(), Some(&video));
    assert_eq!(table.video(&video.id).await.unwrap(), Some(video));

    for (status, stored) in [
        (UploadStatus::Aborted, UploadStatus::Aborted),
        (UploadStatus::Completed, UploadStatus::Aborted),
    ] {
        let answer = table.update_upload(&upload.id, |upload| {
            upload.status = status;
            Ok::<_, AwsError>(Change::Write { due: None })
        });
        assert_eq!(answer.await.unwrap().unwrap().status, stored);
        assert_eq!(
            table.upload(&upload.id).await.unwrap().unwrap().status,
            stored
        );
    }
}

#[tokio::test]
async fn a_change_that_fails_is_not_written_and_nothing_is_made_of_nothing() {
    #[derive(Debug)]
    enum Refused {
        Here,
        #[expect(dead_code, reason = "what it was is shown when the test fails")]
        Aws(AwsError),
    }
    impl From<AwsError> for Refused {
        fn from(err: AwsError) -> Self {
            Self::Aws(err)
        }
    }
    let node = Node::start().await;
    let table = table(&node);
    let (_, video) = announce(&table, 1, Timestamp(5)).await;
    let refused = table.update_video(&video.id, Timestamp(7), |video| {
        video.size_bytes = 99;
        Err(Refused::Here)
    });
    assert!(matches!(refused.await, Err(Refused::Here)));
    assert_eq!(table.video(&video.id).await.unwrap(), Some(video));

    let unknown = VideoId::from_random(2);
    let nobody = table.update_video(&unknown, Timestamp(7), |_| {
        Ok::<_, AwsError>(Change::Write { due: None })
    });
    assert_eq!(nobody.await.unwrap(), None);
}

#[tokio::test]
async fn a_file_that_arrived_queues_its_video_once() {
    let node = Node::start().await;
    let table = table(&node);
    let (upload, _) = announce(&table, 1, Timestamp(5)).await;
    let queued = table
        .arrived(&upload.id, Timestamp(10))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (queued.status, queued.has_source),
        (VideoStatus::Queued, true)
    );
    assert_eq!(queued.queued_at, Some(Timestamp(10)));
    let again = table.arrived(&upload.id, Timestamp(20)).await.unwrap();
    assert_eq!(again, Some(queued));
    let stored = table.upload(&upload.id).await.unwrap().unwrap();
    assert_eq!(stored.status, UploadStatus::Completed);
    let unknown = table
        .arrived(&UploadId::from_random(9), Timestamp(10))
        .await;
    assert_eq!(unknown.unwrap(), None);
}

#[tokio::test]
async fn an_owner_sees_the_newest_first_page_by_page_and_by_status() {
    let node = Node::start().await;
    let table = table(&node);
    for number in 1..=7 {
        announce(&table, number, Timestamp(5)).await;
    }
    let mut foreign = video(8);
    foreign.owner = "another".to_owned();
    assert!(
        table
            .create(&upload(8), &foreign, Timestamp(5))
            .await
            .unwrap()
    );
    for number in [2, 5] {
        let upload = UploadId::from_random(number);
        table.arrived(&upload, Timestamp(10)).await.unwrap();
    }
    let deleted = VideoId::from_random(6);
    let gone = table.update_video(&deleted, Timestamp(10), |video| {
        video.status = VideoStatus::Deleting;
        Ok::<_, AwsError>(Change::Write { due: None })
    });
    gone.await.unwrap();

    let listed = async |status, limit| {
        let mut pages = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = table.videos("owner", status, limit, cursor.as_deref());
            let page = page.await.unwrap();
            let numbers = page.entries.iter().map(|video| video.created_at.0);
            pages.push(numbers.collect::<Vec<_>>());
            cursor = page.cursor;
            if cursor.is_none() {
                return pages;
            }
        }
    };
    assert_eq!(listed(None, 10).await, [vec![7, 5, 4, 3, 2, 1]]);
    let pages = listed(None, 4).await;
    assert_eq!(pages, [vec![7, 5, 4, 3], vec![2, 1]]);
    assert_eq!(listed(Some(VideoStatus::Queued), 10).await.concat(), [5, 2]);
    assert_eq!(listed(Some(VideoStatus::Queued), 2).await.concat(), [5, 2]);
    // Not a query for each of the others.
    let pages = listed(Some(VideoStatus::Queued), 1).await;
    assert_eq!(pages, [vec![5], vec![2]]);
    assert!(
        listed(Some(VideoStatus::Ready), 10)
            .await
            .concat()
            .is_empty()
    );
}

#[tokio::test]
async fn what_is_due_comes_the_longest_due_first_until_nothing_is_left_to_do() {
    let node = Node::start().await;
    let table = table(&node);
    let (late, _) = announce(&table, 1, Timestamp(300)).await;
    let (early, early_video) = announce(&table, 2, Timestamp(100)).await;
    assert_eq!(table.due(Timestamp(99)).await.unwrap(), []);
    let due = table.due(Timestamp(100)).await.unwrap();
    assert_eq!(due, [Due::Upload(early.id.clone())]);
    let due = table.due(Timestamp(1000)).await.unwrap();
    assert_eq!(
        due,
        [Due::Upload(early.id.clone()), Due::Upload(late.id.clone())]
    );

    // Its upload is done; its video is to be looked after.
    table.arrived(&early.id, Timestamp(100)).await.unwrap();
    let due = table.due(Timestamp(1_000_000)).await.unwrap();
    assert_eq!(due, [Due::Upload(late.id), Due::Video(early_video.id)]);
}

#[tokio::test]
async fn a_claim_stays_with_the_first_unless_it_is_taken_over_knowingly() {
    let node = Node::start().await;
    let table = table(&node);
    let [a, b, c] = [1, 2, 3].map(UploadId::from_random);
    let until = Timestamp(9_999_999_999_999);
    assert_eq!(table.claimed("key").await.unwrap(), None);
    assert_eq!(table.claim("key", &a, None, until).await.unwrap(), a);
    assert_eq!(table.claim("key", &b, None, until).await.unwrap(), a);
    assert_eq!(table.claim("key", &b, Some(&a), until).await.unwrap(), b);
    assert_eq!(table.claim("key", &c, Some(&a), until).await.unwrap(), b);
    assert_eq!(table.claimed("key").await.unwrap(), Some(b));
}

#[tokio::test]
async fn the_first_plan_stays() {
    let node = Node::start().await;
    let table = table(&node);
    let id = VideoId::from_random(1);
    assert_eq!(table.plan(&id).await.unwrap(), None);
    let planners = (0..8).map(|planner| {
        let (table, id) = (table.clone(), id.clone());
        tokio::spawn(async move {
            let mut plan = plan();
            plan.held_frames = planner;
            table.plan_once(&id, &plan).await.unwrap()
        })
    });
    let mut answers = Vec::new();
    for planner in planners.collect::<Vec<_>>() {
        answers.push(planner.await.unwrap());
    }
    let stored = table.plan(&id).await.unwrap().unwrap();
    assert!(answers.iter().all(|plan| *plan == stored));
    let mut another = plan();
    another.held_frames = 99;
    assert_eq!(table.plan_once(&id, &another).await.unwrap(), stored);
}

#[tokio::test]
async fn of_many_workers_one_gets_the_job() {
    let node = Node::start().await;
    let table = table(&node);
    let id = VideoId::from_random(1);
    let task = Task::Encode(Job::Video(3));
    let start = async |table: VideoTable, holder: String, now: Timestamp| {
        let started = table.update_task(&id, task, |state| {
            Ok::<_, AwsError>(state.start(task, &holder, now))
        });
        started.await.unwrap()
    };
    let race = async |now: Timestamp| {
        let workers = (0..WRITERS).map(|worker| start(table.clone(), worker.to_string(), now));
        let started = futures::future::join_all(workers).await;
        let won = started
            .iter()
            .filter(|start| matches!(start, Start::Attempt(_)));
        assert_eq!(won.count(), 1, "{started:?}");
        let lost = started
            .iter()
            .filter(|start| matches!(start, Start::Taken(LEASE)));
        assert_eq!(lost.count(), WRITERS as usize - 1, "{started:?}");
    };
    race(Timestamp(1000)).await;
    // The winner fell silent.
    race(Timestamp(1000).after(LEASE)).await;
    let state = &table.work(&id).await.unwrap().jobs[&Job::Video(3)];
    assert_eq!(state.attempts, 2);
}

#[tokio::test]
async fn what_jobs_made_and_say_is_read_back_by_job() {
    let node = Node::start().await;
    let table = table(&node);
    let id = VideoId::from_random(1);
    let mut made = BTreeMap::new();
    for (job, bytes) in [(Job::Video(0), 1), (Job::Video(12), 2), (Job::Audio(0), 3)] {
        table.put_record(&id, job, &record(0)).await.unwrap();
        table.put_record(&id, job, &record(bytes)).await.unwrap();
        made.insert(job, record(bytes));
    }
    assert_eq!(table.records(&id).await.unwrap(), made);
    let one = table.record(&id, Job::Video(12)).await.unwrap();
    assert_eq!(one, Some(record(2)));
    let missing = table.record(&id, Job::Audio(12)).await.unwrap();
    assert_eq!(missing, None);
    assert_eq!(
        table.records(&VideoId::from_random(2)).await.unwrap(),
        BTreeMap::new()
    );

    for task in [Task::Encode(Job::Audio(0)), Task::Ingest, Task::Poster] {
        let done = table.update_task(&id, task, |state| {
            state.done = true;
            Ok::<_, AwsError>(())
        });
        done.await.unwrap();
    }
    let progress = JobProgress {
        frames: 77,
        segments: vec![3, 2],
    };
    let now = Timestamp(1_000_000);
    table
        .put_progress(&id, Job::Video(12), &progress, now)
        .await
        .unwrap();
    let work = table.work(&id).await.unwrap();
    assert_eq!(work.jobs.keys().collect::<Vec<_>>(), [&Job::Audio(0)]);
    assert!(work.jobs[&Job::Audio(0)].done);
    assert_eq!(work.progress, BTreeMap::from([(Job::Video(12), progress)]));

    table.forget_progress(&id, Job::Video(12)).await.unwrap();
    assert!(table.work(&id).await.unwrap().progress.is_empty());
}

#[tokio::test]
async fn wishes_to_publish_are_counted_while_somebody_publishes() {
    let node = Node::start().await;
    let table = table(&node);
    let id = VideoId::from_random(1);
    let wishes = (0..WRITERS).map(|_| table.want_publish(&id));
    let publish = table.update_publish(&id, |state| {
        state.published = 1;
    });
    let (asked, published) =
        futures::future::join(futures::future::try_join_all(wishes), publish).await;
    asked.unwrap();
    published.unwrap();
    let state = table.update_publish(&id, |state| state.clone());
    let state = state.await.unwrap();
    assert_eq!((state.wanted, state.published), (u64::from(WRITERS), 1));
}

#[tokio::test]
async fn a_purge_leaves_nothing_of_a_video_and_all_of_the_others() {
    let node = Node::start().await;
    let table = table(&node);
    for number in [1, 2] {
        let (_, video) = announce(&table, number, Timestamp(5)).await;
        table.plan_once(&video.id, &plan()).await.unwrap();
        table.want_publish(&video.id).await.unwrap();
        for job in [Job::Video(0), Job::Audio(0)] {
            table.put_record(&video.id, job, &record(1)).await.unwrap();
            let progress = JobProgress::default();
            table
                .put_progress(&video.id, job, &progress, Timestamp(5))
                .await
                .unwrap();
            for task in [Task::Encode(job), Task::Ingest, Task::Publish, Task::Remove] {
                let begun = table.update_task(&video.id, task, |state| {
                    state.attempts = 1;
                    Ok::<_, AwsError>(())
                });
                begun.await.unwrap();
            }
        }
    }
    let items = async || {
        let client = node.services.dynamodb();
        let scan = client.scan().table_name(&node.services.resources().table);
        let count = scan.send().await.unwrap().count();
        usize::try_from(count).unwrap()
    };
    let before = items().await;
    table.purge(&VideoId::from_random(1)).await.unwrap();
    assert_eq!(items().await, before / 2);
    assert!(
        table
            .video(&VideoId::from_random(2))
            .await
            .unwrap()
            .is_some()
    );
    // Again, as a second message asks.
    table.purge(&VideoId::from_random(1)).await.unwrap();
    table.purge(&VideoId::from_random(2)).await.unwrap();
    assert_eq!(items().await, 0);
}
