//! The index: an `SQLite` database with one writer and any number of readers.
//!
//! Every change is a job for one thread. It runs the jobs that wait in one transaction, each in a
//! savepoint of its own, and makes them durable together: a hundred uploads that end at the same time cost
//! one sync of the log, not a hundred. Callers get their answers after it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use super::blob::{BlobFolder, BlobId, NewBlob};
use super::pin::Pins;
use crate::event::{ObjectEvent, Subscribers};

/// Version of `schema.sql`, kept in the database's header.
const SCHEMA_VERSION: i64 = 1;

/// Jobs in one transaction: bounds how long the first of them waits for the others.
const GROUP_JOBS: usize = 64;

/// Connections kept for the next readers.
const IDLE_READERS: usize = 4;

/// Prepared statements kept by each connection.
const STATEMENTS: usize = 64;

/// Handle to the writer's thread and to the readers.
pub(crate) struct Index {
    path: PathBuf,
    jobs: Option<mpsc::UnboundedSender<Box<dyn Job>>>,
    writer: Option<JoinHandle<()>>,
    idle_readers: Mutex<Vec<Connection>>,
}

/// Opens the database at `path`, creating it when it is not there and `may_be_new`.
pub(crate) fn open(path: &Path, may_be_new: bool) -> Result<Connection, StoreError> {
    if !may_be_new && !path.try_exists()? {
        return Err(StoreError::NoIndex);
    }
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // In WAL mode `NORMAL` would lose the last commits with the power.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    match connection.pragma_query_value(None, "user_version", |row| row.get(0))? {
        SCHEMA_VERSION => {}
        0 if !may_be_new => return Err(StoreError::NoIndex),
        0 => {
            connection.execute_batch("BEGIN")?;
            connection.execute_batch(include_str!("schema.sql"))?;
            connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            connection.execute_batch("COMMIT")?;
        }
        found => return Err(StoreError::Schema { found }),
    }
    Ok(connection)
}

impl Index {
    /// Starts the writer's thread on `connection`, which [`open`] made of `path`.
    pub(crate) fn start(
        path: &Path,
        connection: Connection,
        blobs: Arc<BlobFolder>,
        pins: Arc<Pins>,
        subscribers: Arc<Subscribers>,
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::unbounded_channel();
        let writer = Writer {
            connection,
            blobs,
            pins,
            subscribers,
        };
        let writer = std::thread::Builder::new()
            .name("s3-index".to_owned())
            .spawn(move || writer.run(waiting))?;
        Ok(Self {
            path: path.to_owned(),
            jobs: Some(jobs),
            writer: Some(writer),
            idle_readers: Mutex::default(),
        })
    }

    /// Runs `work` in a transaction; what it changed is durable when this returns.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Pending {
            work: Some(work),
            result: None,
            reply,
        };
        let jobs = self.jobs.as_ref().expect("it is taken only by drop");
        jobs.send(Box::new(job)).map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }

    /// Runs `work` on a connection that reads what is committed. It blocks: not for an async task.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.idle_readers().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open_reader()?,
        };
        let result = work(&connection);
        let mut idle = self.idle_readers();
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        result
    }

    fn open_reader(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    }

    fn idle_readers(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle_readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        // The thread ends when the last job is done, and closing the last connection folds the log into the database.
        self.jobs = None;
        self.idle_readers().clear();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// What a job sees: the database, and what to do once its changes are durable.
pub(crate) struct Transaction<'a> {
    connection: &'a Connection,
    effects: Effects,
}

#[derive(Default)]
struct Effects {
    adopted: Vec<NewBlob>,
    doomed: Vec<BlobId>,
    events: Vec<ObjectEvent>,
}

impl Transaction<'_> {
    /// Keeps `blob`, which a row names now.
    pub(crate) fn adopt(&mut self, blob: NewBlob) {
        self.effects.adopted.push(blob);
    }

    /// Removes a blob that no row names any more.
    pub(crate) fn doom(&mut self, blob: BlobId) {
        self.effects.doomed.push(blob);
    }

    /// Tells the subscribers.
    pub(crate) fn publish(&mut self, event: ObjectEvent) {
        self.effects.events.push(event);
    }

    /// A number larger than every one given before.
    pub(crate) fn next_number(&self) -> Result<i64, StoreError> {
        let mut next = self
            .connection
            .prepare_cached("UPDATE sequence SET last = last + 1 RETURNING last")?;
        Ok(next.query_row([], |row| row.get(0))?)
    }
}

impl std::ops::Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// Why a group of jobs did not become durable.
#[derive(Clone, Debug)]
struct CommitFailed {
    full: bool,
    message: String,
}

impl From<StoreError> for CommitFailed {
    fn from(err: StoreError) -> Self {
        let cause = std::error::Error::source(&err);
        Self {
            full: matches!(err, StoreError::Full),
            message: cause.map_or_else(|| err.to_string(), |cause| format!("{err}: {cause}")),
        }
    }
}

impl From<CommitFailed> for StoreError {
    fn from(failed: CommitFailed) -> Self {
        if failed.full {
            Self::Full
        } else {
            Self::Commit(failed.message)
        }
    }
}

trait Job: Send {
    /// Does the work, and says what is left to do when it is durable; nothing when it failed.
    fn run(&mut self, connection: &Connection) -> Option<Effects>;

    /// Tells the caller.
    fn finish(self: Box<Self>, committed: &Result<(), CommitFailed>);
}

struct Pending<T, F> {
    work: Option<F>,
    /// Nothing until the work was done.
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Pending<T, F>
where
    F: FnOnce(&mut Transaction<'_>) -> Result<T, StoreError>,
{
    fn attempt(&mut self, connection: &Connection) -> Result<(T, Effects), StoreError> {
        let work = self.work.take().expect("a job runs once");
        let mut transaction = Transaction {
            connection,
            effects: Effects::default(),
        };
        connection.prepare_cached("SAVEPOINT job")?.execute([])?;
        match work(&mut transaction) {
            Ok(value) => {
                connection.prepare_cached("RELEASE job")?.execute([])?;
                Ok((value, transaction.effects))
            }
            Err(err) => {
                // On a full disk SQLite may have rolled everything back by itself.
                if !connection.is_autocommit() {
                    connection.execute_batch("ROLLBACK TO job; RELEASE job")?;
                }
                Err(err)
            }
        }
    }
}

impl<T, F> Job for Pending<T, F>
where
    T: Send,
    F: FnOnce(&mut Transaction<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, connection: &Connection) -> Option<Effects> {
        match self.attempt(connection) {
            Ok((value, effects)) => {
                self.result = Some(Ok(value));
                Some(effects)
            }
            Err(err) => {
                self.result = Some(Err(err));
                None
            }
        }
    }

    fn finish(self: Box<Self>, committed: &Result<(), CommitFailed>) {
        let result = match (self.result, committed) {
            (Some(Err(err)), _) => Err(err),
            (_, Err(failed)) => Err(failed.clone().into()),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(StoreError::Stopped),
        };
        // Who asked may have gone; what was done stays done.
        let _ = self.reply.send(result);
    }
}

struct Writer {
    connection: Connection,
    blobs: Arc<BlobFolder>,
    pins: Arc<Pins>,
    subscribers: Arc<Subscribers>,
}

impl Writer {
    fn run(self, mut waiting: mpsc::UnboundedReceiver<Box<dyn Job>>) {
        while let Some(first) = waiting.blocking_recv() {
            let mut jobs = vec![first];
            while jobs.len() < GROUP_JOBS
                && let Ok(job) = waiting.try_recv()
            {
                jobs.push(job);
            }
            let committed = self.run_group(&mut jobs).map_err(CommitFailed::from);
            if let Err(failed) = &committed {
                tracing::error!(error = failed.message, "cannot commit: {}", failed.message);
            }
            for job in jobs {
                job.finish(&committed);
            }
        }
    }

    fn run_group(&self, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute([])?;
        let mut group = Effects::default();
        for job in jobs {
            if let Some(effects) = job.run(&self.connection) {
                group.adopted.extend(effects.adopted);
                group.doomed.extend(effects.doomed);
                group.events.extend(effects.events);
            }
            if self.connection.is_autocommit() {
                // What the jobs before did is gone, and the next ones would not be in a transaction.
                return Err(StoreError::RolledBack);
            }
        }
        if let Err(err) = self.commit(&group.adopted) {
            if !self.connection.is_autocommit() {
                self.connection.execute_batch("ROLLBACK")?;
            }
            if !matches!(err, StoreError::Full) {
                // It failed for us, but after a crash SQLite may find it in the log and take it for
                // committed. The blobs stay: at worst they are orphans when the store is opened again.
                group.adopted.into_iter().for_each(NewBlob::keep);
            }
            return Err(err);
        }
        group.adopted.into_iter().for_each(NewBlob::keep);
        self.pins.doom(group.doomed.into_iter());
        for event in group.events {
            self.subscribers.publish(&event);
        }
        Ok(())
    }

    fn commit(&self, adopted: &[NewBlob]) -> Result<(), StoreError> {
        // The bytes are durable already; now their names, and then the rows that make them visible.
        self.blobs.sync_names(adopted.iter().map(NewBlob::id))?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }
}
