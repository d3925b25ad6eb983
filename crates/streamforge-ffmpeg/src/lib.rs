//! placeholder
pub mod byte_source;
pub mod guard;
pub mod source_server;
