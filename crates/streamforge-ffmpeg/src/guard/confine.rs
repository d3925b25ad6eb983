//! What a thread gives up before it spawns a child: all of it is inherited, none of it can be taken back.
//!
//! Linux keeps these settings per thread, which is why no `unsafe` code between fork and exec is needed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Once;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, NetPort, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::thread::CapabilitiesSecureBits;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule,
};

/// The newest Landlock we were tested with. Older kernels enforce what they know.
const LANDLOCK_ABI: ABI = ABI::V7;

/// Where programs and shared libraries live; what is not there is skipped. The symbolic links of
/// `/etc/alternatives` need no entry: Landlock asks about the file at their end.
const SYSTEM: [&str; 8] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/nix/store",
    "/gnu/store",
];

/// What a child may still do.
pub(super) struct Confinement {
    /// Added to the niceness of the process, see nice(2).
    pub(super) nice: i32,
    /// The program and those that become it, absolute paths: they may lie outside the [`SYSTEM`] folders.
    pub(super) programs: [PathBuf; 3],
    /// The TCP port on any host, in practice our own, it may connect to.
    pub(super) connect_port: Option<u16>,
}

impl Confinement {
    /// Confines the calling thread and what it will spawn, for good.
    ///
    /// Landlock and seccomp are best effort: an older kernel or a container without them gives less
    /// protection, not an error. One warning says so.
    ///
    /// # Errors
    ///
    /// The kernel refused what every supported one grants.
    pub(super) fn enter(&self) -> io::Result<()> {
        rustix::process::nice(self.nice)?;
        rustix::thread::set_no_new_privs(true)?;
        give_up_capabilities();
        self.landlock().map_err(io::Error::other)?;
        if let Err(error) = filter_syscalls() {
            warn_once(&format!("seccomp is not available: {error}"));
        }
        Ok(())
    }

    /// Read and execute the system's programs; write nowhere; connect to one port, listen on none; signal
    /// nobody outside. Enforced by the kernel: <https://docs.kernel.org/userspace-api/landlock.html>.
    fn landlock(&self) -> Result<(), RulesetError> {
        let run = AccessFs::from_read(LANDLOCK_ABI);
        let libraries = self.programs.iter().filter_map(|path| sibling_lib(path));
        let own = self.programs.iter().cloned().chain(libraries);
        let mut ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(LANDLOCK_ABI))?
            .handle_access(AccessNet::from_all(LANDLOCK_ABI))?
            .scope(Scope::from_all(LANDLOCK_ABI))?
            .create()?
            .add_rules(path_beneath_rules(SYSTEM, run))?
            .add_rules(path_beneath_rules(own, run))?;
        if let Some(port) = self.connect_port {
            ruleset = ruleset.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
        }
        match ruleset.restrict_self()?.ruleset {
            RulesetStatus::FullyEnforced => {}
            RulesetStatus::PartiallyEnforced => {
                warn_once("Landlock knows only a part of the rules");
            }
            RulesetStatus::NotEnforced => warn_once("Landlock is not available"),
        }
        Ok(())
    }
}

/// `../lib` of a program in a folder called `bin`: where a self-contained build keeps its libraries.
fn sibling_lib(program: &Path) -> Option<PathBuf> {
    let bin = program.parent()?;
    (bin.file_name()? == "bin").then(|| bin.with_file_name("lib"))
}

/// Root without capabilities: a root user's child could otherwise read every file and signal everyone.
/// Anybody else has none to give up, which the kernel says with an error that means "as wished".
fn give_up_capabilities() {
    let _ = rustix::thread::clear_ambient_capability_set();
    let no_root = CapabilitiesSecureBits::NO_ROOT | CapabilitiesSecureBits::NO_ROOT_LOCKED;
    let _ = rustix::thread::set_capabilities_secure_bits(no_root);
}

/// Refuses, with `EPERM`, sockets that are not TCP over IPv4 (Landlock sees TCP only, and the socket of
/// a Docker daemon is a root shell), and the calls that reach into other processes or open up the kernel.
fn filter_syscalls() -> Result<(), seccompiler::Error> {
    seccompiler::apply_filter(&refused_syscalls()?)
}

fn refused_syscalls() -> Result<BpfProgram, BackendError> {
    let always = [
        libc::SYS_add_key,
        libc::SYS_bpf,
        // Its operations include opening sockets, past any filter.
        libc::SYS_io_uring_setup,
        libc::SYS_keyctl,
        libc::SYS_perf_event_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_ptrace,
        libc::SYS_request_key,
        libc::SYS_setns,
        libc::SYS_unshare,
        libc::SYS_userfaultfd,
    ];
    let argument = |index, op, value: libc::c_int| {
        SeccompCondition::new(index, Dword, op, u64::from(value.unsigned_abs()))
    };
    // socket(domain, type, protocol); the type's upper bits are flags: SOCK_TYPE_MASK of linux/net.h.
    let is_type = SeccompCmpOp::MaskedEq(0xf);
    let not_tcp = vec![
        SeccompRule::new(vec![argument(0, SeccompCmpOp::Ne, libc::AF_INET)?])?,
        SeccompRule::new(vec![argument(1, is_type.clone(), libc::SOCK_DGRAM)?])?,
        SeccompRule::new(vec![argument(1, is_type.clone(), libc::SOCK_RAW)?])?,
        SeccompRule::new(vec![argument(1, is_type.clone(), libc::SOCK_SEQPACKET)?])?,
        SeccompRule::new(vec![argument(1, is_type, libc::SOCK_DCCP)?])?,
        // Not MPTCP or SMC either, which Landlock does not take for TCP.
        SeccompRule::new(vec![
            argument(2, SeccompCmpOp::Ne, libc::IPPROTO_IP)?,
            argument(2, SeccompCmpOp::Ne, libc::IPPROTO_TCP)?,
        ])?,
    ];
    let rules = always
        .into_iter()
        .map(|call| (call, Vec::new()))
        .chain([(libc::SYS_socket, not_tcp)]);
    SeccompFilter::new(
        rules.collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM.unsigned_abs()),
        std::env::consts::ARCH.try_into()?,
    )?
    .try_into()
}

/// One line in the log of a process, however many children it spawns.
fn warn_once(what: &str) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| tracing::warn!("FFmpeg runs with less protection than it could: {what}"));
}
