//! tmp
mod activity;
pub use self::activity::Activity;
