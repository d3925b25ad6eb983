//! The program as people and scripts use it: what it says, how it ends, and what it leaves behind.

mod arguments;
mod failures;
mod growing;
mod interrupting;
mod json;
mod names;
mod package_files;
mod resuming;
pub(crate) mod run;
pub(crate) mod sandbox;
mod terminal;
