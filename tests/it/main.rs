//! Integration tests: one binary, a folder or file for each behaviour.

mod cli;
mod joins;
mod media;
mod package;
mod playing;
mod ports;
mod processes;
mod program;
mod samples;
mod service;
