//! Takes the built pages along: `web/dist`, or a page that tells how to build them.

use std::path::Path;

/// Where Vite puts them.
const BUILT: &str = "../../web/dist";

/// What is there instead before it did.
const MISSING: &str = "pages-missing";

fn main() {
    println!("cargo::rerun-if-changed={BUILT}");
    println!("cargo::rerun-if-changed={MISSING}");
    let is_built = Path::new(BUILT).join("index.html").is_file();
    memory_serve::load_directory(if is_built { BUILT } else { MISSING });
}
