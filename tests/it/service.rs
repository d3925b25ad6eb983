//! The whole service, used as its clients use it: by its base URL.

mod client;
mod clip;
mod crash;
mod crash_points;
mod faults;
mod faulty;
mod looked_after;
mod machine;
mod made_again;
mod memory;
mod process;
mod processor;
mod proxy;
mod retention;
mod server;
mod stored;
mod videos;
