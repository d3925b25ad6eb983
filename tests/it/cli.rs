//! The program as people and scripts use it: what it says, how it ends, and what it leaves behind.

mod arguments;
mod asking;
mod failures;
mod growing;
mod interrupting;
mod json;
mod names;
pub(crate) mod node;
mod package_files;
mod proxy;
mod resuming;
pub(crate) mod run;
pub(crate) mod sandbox;
mod terminal;
mod uploading;
