//! Jobs of a video become messages.

use streamforge_core::id::VideoId;
use streamforge_core::job::{Lane, Message, Task, lane};
use streamforge_core::plan::{Job, Plan};

use super::JobQueue;
use crate::error::AwsError;

impl JobQueue {
    /// Asks for `jobs` of a video, each in its lane, those first that a viewer needs first.
    ///
    /// # Errors
    /// SQS did not answer, or did not take all of them: asking again repeats some, which is harmless.
    pub async fn dispatch(
        &self,
        video: &VideoId,
        plan: &Plan,
        jobs: &[Job],
    ) -> Result<(), AwsError> {
        for to in [Lane::Interactive, Lane::Bulk] {
            let messages: Vec<Message> = jobs
                .iter()
                .filter(|job| lane(plan, **job) == to)
                .map(|job| Message {
                    video: video.clone(),
                    task: Task::Encode(*job),
                })
                .collect();
            self.send(to, &messages).await?;
        }
        Ok(())
    }
}
