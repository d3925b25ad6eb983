//! The command line around a child: what has to be set between fork and exec is set by two small programs
//! that replace themselves by the next one, so the process stays the same and a signal hits the real one.
//!
//! Should we be killed in the millisecond before setpriv(1) has asked to be told, the child lives on with no
//! source to read and nobody to write to: FFmpeg ends by itself then.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

use super::ChildLimits;

/// Descriptors a child may have open: its pipes, one connection, shared libraries while they load.
const MAX_DESCRIPTORS: u64 = 64;

/// Address space per byte of memory. Threads reserve far more than they use: a stack of 8 MiB and a heap
/// of 64 MiB of address space each.
const ADDRESS_SPACE_FACTOR: u64 = 8;

/// setpriv(1) and prlimit(1) of util-linux, which Debian installs always.
#[derive(Clone, Debug)]
pub(super) struct Wrapper {
    pub(super) setpriv: PathBuf,
    pub(super) prlimit: PathBuf,
}

impl Wrapper {
    /// The arguments after `setpriv` that run `program` with `args` within `limits`.
    ///
    /// `--nproc` is left out on purpose: it counts all threads of the *user*, so it would make our child
    /// fail for what others do.
    pub(super) fn args(
        &self,
        program: &Path,
        args: &[OsString],
        limits: &ChildLimits,
    ) -> Vec<OsString> {
        let limit = |name: &str, resource: Resource, wanted: u64| {
            // A hard limit cannot be raised: what is stricter already, stays.
            let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
            OsString::from(format!("--{name}={}", wanted.min(most)))
        };
        // Whole seconds; zero would mean one to the kernel.
        let cpu_secs = limits.cpu.as_secs() + u64::from(limits.cpu.subsec_nanos() > 0);
        let address_space = limits.memory_bytes.saturating_mul(ADDRESS_SPACE_FACTOR);
        let mut all: Vec<OsString> = ["--pdeathsig", "KILL", "--"].map(OsString::from).into();
        all.push(self.prlimit.clone().into());
        all.extend([
            limit("data", Resource::Data, limits.memory_bytes),
            limit("as", Resource::As, address_space),
            limit("cpu", Resource::Cpu, cpu_secs),
            limit("nofile", Resource::Nofile, MAX_DESCRIPTORS),
            // Nothing is written to files, not even after a crash.
            limit("fsize", Resource::Fsize, 0),
            limit("core", Resource::Core, 0),
        ]);
        all.push("--".into());
        all.push(program.into());
        all.extend_from_slice(args);
        all
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_program_and_its_arguments_come_last_and_untouched() {
        let wrapper = Wrapper {
            setpriv: "/usr/bin/setpriv".into(),
            prlimit: "/usr/bin/prlimit".into(),
        };
        let limits = ChildLimits {
            memory_bytes: 1 << 30,
            cpu: Duration::from_millis(1500),
            ..ChildLimits::default()
        };
        let args = wrapper.args(
            Path::new("/usr/bin/ffmpeg"),
            &["--cpu=1".into(), "a b;c".into()],
            &limits,
        );
        let args: Vec<_> = args.iter().map(|arg| arg.to_str().unwrap()).collect();
        insta::assert_snapshot!(args.join("\n"), @r"
        --pdeathsig
        KILL
        --
        /usr/bin/prlimit
        --data=1073741824
        --as=8589934592
        --cpu=2
        --nofile=64
        --fsize=0
        --core=0
        --
        /usr/bin/ffmpeg
        --cpu=1
        a b;c
        ");
    }
}
