//! How FFmpeg opens a source: the one place that says so.

use streamforge_core::source::Container;

/// Receive buffer of FFmpeg's connection in bytes.
///
/// It bounds what is under way when FFmpeg drops the connection to seek, and how far it reads on rather
/// than seek. Left to itself, the kernel grows it to several megabytes.
const RECEIVE_BUFFER_BYTES: u32 = 64 * 1024;

/// Arguments of ffmpeg and ffprobe that open `url`, from the protocols to `-i URL`.
///
/// The only demuxer is `container`'s, also for whatever a demuxer might open on its own; the only protocol
/// is HTTP. No time-out is given: the source's bytes may not be there yet, and the guard's silence clock
/// watches over both ends.
pub fn args(container: Container, url: &str) -> Vec<String> {
    let demuxer = container.demuxer();
    let receive_buffer = RECEIVE_BUFFER_BYTES.to_string();
    [
        "-protocol_whitelist",
        "http,tcp",
        "-format_whitelist",
        demuxer,
        "-recv_buffer_size",
        &receive_buffer,
        "-f",
        demuxer,
        "-i",
        url,
    ]
    .map(str::to_owned)
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_demuxer_and_the_protocol_we_name_are_allowed() {
        let args = args(Container::Matroska, "http://127.0.0.1:1/secret");
        insta::assert_snapshot!(
            args.join(" "),
            @"-protocol_whitelist http,tcp -format_whitelist matroska -recv_buffer_size 65536 -f matroska -i http://127.0.0.1:1/secret"
        );
    }
}
