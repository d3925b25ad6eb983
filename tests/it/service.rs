//! The whole service, used as its clients use it: by its base URL.

mod client;
mod crash;
mod process;
mod stored;
