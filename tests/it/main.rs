//! Integration tests: one binary, a folder or file for each behaviour.
