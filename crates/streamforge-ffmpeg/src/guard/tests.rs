//! Children that misbehave, mostly in bash, which Debian has always.

use std::collections::HashSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Child;

use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, sleep, timeout};

use super::*;

/// Long enough for any machine, short enough for a failing test.
const PATIENCE: Duration = Duration::from_secs(20);

fn bash(script: &str) -> GuardedCommand {
    GuardedCommand {
        program: "bash".into(),
        args: vec!["-c".into(), script.into()],
        pipes: 0,
        limits: ChildLimits {
            wall: PATIENCE,
            silence: PATIENCE,
            ..ChildLimits::default()
        },
        nice: 0,
        source_port: None,
    }
}

async fn read(pipe: pipe::Receiver) -> String {
    let mut pipe = pipe;
    let mut text = String::new();
    pipe.read_to_string(&mut text).await.unwrap();
    text
}

/// Runs to the end; standard output and exit.
async fn run(command: GuardedCommand) -> (String, Exit) {
    let mut child = command.spawn().await.unwrap();
    let stdout = child.stdout.take().unwrap();
    let (said, exit) = tokio::join!(read(stdout), child.wait());
    (said, exit.unwrap())
}

/// Whether process `id` runs: one that is dead but not reaped by whoever should, does not.
fn runs(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}

async fn ends(id: u32) -> bool {
    timeout(PATIENCE, async {
        while runs(id) {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .is_ok()
}

/// Whether this kernel has Landlock; a test that needs it says so and passes when not.
fn landlock_works() -> bool {
    let status = std::thread::spawn(|| {
        use landlock::{ABI, Access as _, AccessFs, Ruleset, RulesetAttr as _, RulesetStatus};
        let ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V4))
            .unwrap()
            .create()
            .unwrap();
        ruleset.restrict_self().unwrap().ruleset == RulesetStatus::FullyEnforced
    });
    let works = status.join().unwrap();
    if !works {
        eprintln!("skipped: this kernel has no Landlock, or an old one");
    }
    works
}

/// Starts one of the ignored tests below in a process of its own, with its own place for temporary files.
fn in_own_process(test: &str, temporary: &Path) -> Child {
    own_process(test).env("TMPDIR", temporary).spawn().unwrap()
}

fn own_process(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            &format!("guard::tests::{test}"),
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .stdout(Stdio::piped());
    command
}

#[tokio::test]
async fn streams_and_pipes_arrive_apart_and_the_exit_code_as_it_was() {
    let mut command = bash("echo one; echo two >&2; echo three >&3; echo four >&4; exit 7");
    command.pipes = 2;
    let mut child = command.spawn().await.unwrap();
    let stdout = child.stdout.take().unwrap();
    let [third, fourth] = <[_; 2]>::try_from(std::mem::take(&mut child.pipes)).unwrap();
    let (one, three, four, exit) =
        tokio::join!(read(stdout), read(third), read(fourth), child.wait());
    let exit = exit.unwrap();
    assert_eq!(
        (one.as_str(), three.as_str(), four.as_str()),
        ("one\n", "three\n", "four\n")
    );
    assert_eq!((exit.stderr.as_str(), exit.status.code()), ("two", Some(7)));
}

#[tokio::test]
async fn a_child_has_no_environment() {
    let command = GuardedCommand {
        program: "env".into(),
        args: vec![],
        ..bash("")
    };
    let (said, exit) = run(command).await;
    assert!(exit.status.success());
    assert_eq!(said, "");
}

#[tokio::test]
async fn a_child_has_no_input_and_nothing_to_look_at_where_it_is() {
    let (said, exit) = run(bash("pwd; cat; ls")).await;
    assert_eq!(said.lines().next(), Some("/"));
    if landlock_works() {
        assert_eq!(said, "/\n");
        assert!(!exit.status.success(), "{}", exit.stderr);
    }
}

#[tokio::test]
async fn a_child_inherits_no_descriptor_but_its_own() {
    // Kept open in this process while the child runs, as other children's pipes are.
    let _others: Vec<_> = (0..20).map(|_| output_pipe().unwrap()).collect();
    let mut command = bash("for n in {0..1023}; do (exec >&$n) && echo $n; done");
    command.pipes = 1;
    let mut child = command.spawn().await.unwrap();
    let stdout = child.stdout.take().unwrap();
    let _third = std::mem::take(&mut child.pipes);
    let (said, exit) = tokio::join!(read(stdout), child.wait());
    assert!(exit.is_ok());
    let said: HashSet<u32> = said.lines().map(|line| line.parse().unwrap()).collect();
    // What whoever started the tests left open for all to inherit is not ours to close.
    let left_open = fs::read_dir("/proc/self/fdinfo")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let info = fs::read_to_string(entry.path()).ok()?;
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
            let close_on_exec = u32::from_str_radix(flags.trim(), 8).unwrap() & 0o2_000_000 != 0;
            (!close_on_exec).then(|| entry.file_name().to_str().unwrap().parse().unwrap())
        });
    assert_eq!(said, left_open.chain([0, 1, 2, 3]).collect());
}

#[tokio::test]
async fn the_id_is_the_programs_own_and_not_a_wrappers() {
    let mut child = bash("echo $$").spawn().await.unwrap();
    let id = child.id();
    let stdout = child.stdout.take().unwrap();
    let (said, _) = tokio::join!(read(stdout), child.wait());
    assert_eq!(said.trim_end(), id.to_string());
}

#[tokio::test]
async fn niceness_is_the_childs_alone() {
    let niceness = |nice| GuardedCommand {
        program: "nice".into(),
        args: vec![],
        nice,
        ..bash("")
    };
    let (ours, _) = run(niceness(0)).await;
    let (theirs, _) = run(niceness(3)).await;
    let (again, _) = run(niceness(0)).await;
    let [ours, theirs, again] =
        [ours, theirs, again].map(|said| said.trim_end().parse::<i32>().unwrap());
    assert_eq!((theirs, again), ((ours + 3).min(19), ours));
}

#[tokio::test]
async fn a_flood_of_errors_blocks_nobody_and_its_end_is_kept() {
    let (_, exit) = run(bash(
        "yes 'everything is broken' | head -c 3000000 >&2; echo the end >&2",
    ))
    .await;
    assert!(
        exit.stderr.len() <= 8 * 1024 && exit.stderr.len() > 8000,
        "{}",
        exit.stderr.len()
    );
    assert!(exit.stderr.ends_with("everything\nthe end") || exit.stderr.ends_with("the end"));
}

#[tokio::test]
async fn cpu_time_is_counted() {
    let (_, exit) = run(bash("for ((i = 0; i < 300000; i++)); do :; done")).await;
    assert!(
        exit.cpu > Duration::from_millis(50) && exit.cpu < PATIENCE,
        "{:?}",
        exit.cpu
    );
}

#[tokio::test]
async fn silence_ends_a_child() {
    let mut command = bash("echo I hang >&2; sleep 1000");
    command.limits.silence = Duration::from_millis(400);
    let child = command.spawn().await.unwrap();
    let id = child.id();
    let error = child.wait().await.unwrap_err();
    assert!(
        matches!(&error, GuardError::Silent { stderr, .. } if stderr == "I hang"),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "stopped after 0.4 s without a sign of life: I hang"
    );
    assert!(!runs(id));
}

#[tokio::test]
async fn signs_of_life_keep_a_quiet_child_alive() {
    let mut command = bash("sleep 2.5");
    command.limits.silence = Duration::from_secs(1);
    let child = command.spawn().await.unwrap();
    let activity = child.activity();
    let touching = tokio::spawn(async move {
        loop {
            activity.touch();
            sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(child.wait().await.unwrap().status.success());
    touching.abort();
}

#[tokio::test]
async fn wall_time_ends_the_liveliest_child() {
    let mut command = bash("while :; do echo; done");
    command.limits.wall = Duration::from_millis(500);
    let mut child = command.spawn().await.unwrap();
    let activity = child.activity();
    let mut stdout = child.stdout.take().unwrap();
    let reading = async {
        let mut buffer = [0; 4096];
        while let Ok(1..) = stdout.read(&mut buffer).await {
            activity.touch();
        }
    };
    let ((), outcome) = tokio::join!(reading, child.wait());
    assert!(
        matches!(outcome, Err(GuardError::TimedOut { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn clocks_run_also_when_nobody_waits() {
    let mut command = bash("sleep 1000");
    command.limits.silence = Duration::from_millis(200);
    let child = command.spawn().await.unwrap();
    assert!(ends(child.id()).await);
}

#[tokio::test]
async fn cpu_time_ends_a_busy_child() {
    let mut command = bash("while :; do :; done");
    command.limits.cpu = Duration::from_secs(2);
    let outcome = command.spawn().await.unwrap().wait().await;
    assert!(
        matches!(outcome, Err(GuardError::OutOfCpu { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_kill_from_elsewhere_is_an_exit_and_no_limit_of_ours() {
    let (_, exit) = run(bash("kill -KILL $$")).await;
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&exit.status),
        Some(9)
    );
}

#[tokio::test]
async fn memory_is_limited() {
    let hungry = |memory_bytes| {
        let mut command = bash("printf -v x '%*s' 200000000 ''; echo ate");
        command.limits.memory_bytes = memory_bytes;
        command
    };
    let (said, _) = run(hungry(2 << 30)).await;
    assert_eq!(said, "ate\n");
    let (said, exit) = run(hungry(64 << 20)).await;
    assert_eq!(said, "");
    assert!(!exit.status.success());
    assert!(exit.stderr.contains("cannot allocate"), "{}", exit.stderr);
}

#[tokio::test]
async fn nothing_is_written_anywhere() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("file");
    let script = format!(
        "echo leak > inside && echo wrote; echo leak > {} && echo wrote",
        target.display()
    );
    let (said, _) = run(bash(&script)).await;
    assert_eq!(said, "");
    assert_eq!(fs::read(target).unwrap_or_default(), b"");
}

#[tokio::test]
async fn files_outside_cannot_be_read_nor_processes_looked_into() {
    if !landlock_works() {
        return;
    }
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let script = format!(
        "cat {0} /proc/{1}/environ /etc/passwd; ls {2} /proc; cat {0} < /dev/null; kill -0 {1} && echo signalled",
        secret.display(),
        std::process::id(),
        outside.path().display()
    );
    let (said, exit) = run(bash(&script)).await;
    assert_eq!(said, "");
    assert!(exit.stderr.contains("Permission denied"), "{}", exit.stderr);
}

#[tokio::test]
async fn only_the_source_port_can_be_connected_to() {
    if !landlock_works() {
        return;
    }
    let [ours, other] = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let [port, other_port] = [&ours, &other].map(|listener| listener.local_addr().unwrap().port());
    let script =
        format!("for p in {port} {other_port}; do (echo > /dev/tcp/127.0.0.1/$p) && echo $p; done");
    let mut command = bash(&script);
    command.source_port = Some(port);
    let (said, _) = run(command).await;
    assert_eq!(said, format!("{port}\n"));
    let (said, _) = run(bash(&script)).await;
    assert_eq!(said, "");
    other.set_nonblocking(true).unwrap();
    assert_eq!(
        other.accept().unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );
}

#[tokio::test]
async fn there_are_no_sockets_but_tcp() {
    let (said, exit) = run(bash("echo > /dev/udp/127.0.0.1/9 && echo sent")).await;
    assert_eq!(said, "");
    assert!(
        exit.stderr.contains("Operation not permitted"),
        "{}",
        exit.stderr
    );
}

#[tokio::test]
async fn dropping_a_child_kills_it_and_all_it_started() {
    let mut child = bash("sleep 1000 & echo $!; wait").spawn().await.unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut line = [0; 64];
    let read = timeout(PATIENCE, stdout.read(&mut line))
        .await
        .unwrap()
        .unwrap();
    let grandchild: u32 = std::str::from_utf8(&line[..read])
        .unwrap()
        .trim_end()
        .parse()
        .unwrap();
    let id = child.id();
    assert!(runs(id) && runs(grandchild));
    let before = Instant::now();
    drop(child);
    assert!(ends(id).await && ends(grandchild).await);
    assert!(before.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn dropping_the_wait_kills_the_child() {
    let child = bash("sleep 1000").spawn().await.unwrap();
    let id = child.id();
    assert!(
        timeout(Duration::from_millis(50), child.wait())
            .await
            .is_err()
    );
    assert!(ends(id).await);
}

#[tokio::test]
async fn what_a_child_leaves_running_ends_with_it() {
    let started = Instant::now();
    let (said, exit) = run(bash("sleep 1000 & echo $!")).await;
    assert!(exit.status.success());
    assert!(ends(said.trim_end().parse().unwrap()).await);
    assert!(started.elapsed() < PATIENCE / 2);
}

#[test]
fn the_end_of_the_runtime_is_the_end_of_the_child() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let child = runtime.block_on(bash("sleep 1000").spawn()).unwrap();
    let id = child.id();
    assert!(runs(id));
    runtime.shutdown_timeout(PATIENCE);
    assert!(!runs(id));
    drop(child);
}

#[tokio::test]
async fn a_child_dies_when_this_process_is_killed() {
    use std::io::BufRead as _;

    let temporary = tempfile::tempdir().unwrap();
    let mut parent = in_own_process("a_parent_of_a_sleeping_child", temporary.path());
    let stdout = io::BufReader::new(parent.stdout.take().unwrap());
    let id = tokio::task::spawn_blocking(|| {
        let mut ids = stdout.lines().map_while(Result::ok).filter_map(|line| {
            line.rsplit_once("child ")
                .and_then(|(_, id)| id.parse().ok())
        });
        ids.next()
    });
    let id = timeout(PATIENCE, id)
        .await
        .unwrap()
        .unwrap()
        .expect("the parent tells its child's id");
    assert!(runs(id));
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(ends(id).await);
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own that it kills"]
async fn a_parent_of_a_sleeping_child() {
    let mut child = bash("echo started; sleep 1000").spawn().await.unwrap();
    // Until it has started it does not ask for a signal yet; FFmpeg would end by its broken pipes.
    let mut started = [0];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut started)
        .await
        .unwrap();
    println!("child {}", child.id());
    let _ = child.wait().await;
}

#[tokio::test]
async fn many_children_leave_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut alone = in_own_process("two_hundred_children", temporary.path());
    let waiting = tokio::task::spawn_blocking(move || alone.wait());
    assert!(waiting.await.unwrap().unwrap().success());
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own whose descriptors it counts"]
async fn two_hundred_children() {
    fn held() -> [usize; 3] {
        let entries = |dir: &str| fs::read_dir(dir).unwrap().count();
        let children = fs::read_dir("/proc/self/task").unwrap().map(|thread| {
            let children =
                fs::read_to_string(thread.unwrap().path().join("children")).unwrap_or_default();
            children.split_whitespace().count()
        });
        [
            entries("/proc/self/fd"),
            entries("/proc/self/task"),
            children.sum(),
        ]
    }

    // The first one also opens what stays open: the runtime's blocking thread, for one.
    run(bash("exit")).await;
    let before = held();
    for n in 0..200_u32 {
        let child = bash("[ $RANDOM -gt 16000 ] || sleep 1000")
            .spawn()
            .await
            .unwrap();
        let id = child.id();
        // Half of them are dropped running, or exited and not waited for.
        if n % 2 == 0 {
            drop(child);
        } else {
            let _ = timeout(Duration::from_millis(2), child.wait()).await;
        }
        assert!(ends(id).await);
    }
    let cleaned = timeout(PATIENCE, async {
        while held().iter().zip(before).any(|(now, before)| *now > before) {
            sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(
        cleaned.await.is_ok(),
        "descriptors, threads, children: {before:?} before, {:?} after",
        held()
    );
}

#[test]
fn programs_may_be_installed_anywhere() {
    let elsewhere = tempfile::tempdir().unwrap();
    for program in ["bash", "setpriv", "prlimit"] {
        let installed = find_program(Path::new(program)).unwrap();
        fs::copy(installed, elsewhere.path().join(program)).unwrap();
    }
    let mut alone = own_process("a_child_of_the_path");
    let ran = alone.env("PATH", elsewhere.path()).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

#[tokio::test]
#[ignore = "run by the test above, in a process of its own with another PATH"]
async fn a_child_of_the_path() {
    let (said, exit) = run(bash("echo it runs")).await;
    assert_eq!((said.as_str(), exit.stderr.as_str()), ("it runs\n", ""));
}

#[tokio::test]
async fn a_missing_program_is_an_error_that_helps() {
    let command = GuardedCommand {
        program: "/nowhere/ffmpeg".into(),
        ..bash("")
    };
    let error = command.spawn().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "/nowhere/ffmpeg was not found: on Debian and Ubuntu, `apt-get install ffmpeg` installs it"
    );
}
