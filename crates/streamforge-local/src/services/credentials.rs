//! The one pair of keys of a node: random, made at the first start.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use aws_sdk_s3::config::Credentials;
use rustix::rand::{GetRandomFlags, getrandom};
use serde::{Deserialize, Serialize};

use super::StartError;

/// Random bytes of the access key's id: enough that nodes do not take each other's for theirs.
const ID_BYTES: usize = 8;

/// Random bytes of the secret key.
const SECRET_BYTES: usize = 32;

/// A pair of keys. `Debug` is left out on purpose.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct KeyPair {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
}

impl KeyPair {
    /// The pair kept in the file `path`; a new one if there is none.
    pub(super) async fn load_or_create(path: &Path) -> Result<Self, StartError> {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || {
            let failed = |source| StartError::Data {
                path: path.clone(),
                source,
            };
            match fs::read(&path) {
                Ok(json) => serde_json::from_slice(&json).map_err(|err| StartError::Credentials {
                    path: path.clone(),
                    why: err.to_string(),
                }),
                Err(err) if err.kind() == io::ErrorKind::NotFound => {
                    let keys = Self::random().map_err(failed)?;
                    keys.store(&path).map_err(failed)?;
                    Ok(keys)
                }
                Err(err) => Err(failed(err)),
            }
        })
        .await
        .expect("reading and writing a file does not panic")
    }

    pub(super) fn for_sdk(&self) -> Credentials {
        Credentials::new(
            &self.access_key_id,
            &self.secret_access_key,
            None,
            None,
            "streamforge-local",
        )
    }

    fn random() -> io::Result<Self> {
        Ok(Self {
            access_key_id: format!("LOCAL{}", random_hex(ID_BYTES)?),
            secret_access_key: random_hex(SECRET_BYTES)?,
        })
    }

    /// Written aside and renamed, so that the file is whole or not there.
    fn store(&self, path: &Path) -> io::Result<()> {
        let aside = path.with_extension("json.new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&aside)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(&aside, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

fn random_hex(bytes: usize) -> io::Result<String> {
    let mut random = vec![0; bytes];
    let mut filled = 0;
    while filled < bytes {
        filled += getrandom(&mut random[filled..], GetRandomFlags::empty())?;
    }
    let mut hex = String::with_capacity(2 * bytes);
    for byte in random {
        write!(hex, "{byte:02X}").expect("a string takes whatever is written");
    }
    Ok(hex)
}
