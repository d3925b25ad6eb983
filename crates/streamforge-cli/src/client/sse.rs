//! The text of server-sent events
//! ([WHATWG](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation)).

/// One event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ServerEvent {
    /// What it is about; `message` unless the server says.
    pub(super) kind: String,
    pub(super) data: String,
    /// The last id that was sent, with this event or before.
    pub(super) id: Option<String>,
}

/// Takes a stream apart, in whatever pieces it comes.
#[derive(Debug, Default)]
pub(super) struct EventReader {
    line: Vec<u8>,
    /// The piece before ended in a CR, so that an LF at the start of the next one ends no other line.
    after_cr: bool,
    kind: String,
    data: String,
    id: Option<String>,
}

impl EventReader {
    /// The events that end in these bytes.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<ServerEvent> {
        let mut events = Vec::new();
        for &byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\r' | b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.line(&String::from_utf8_lossy(&line)));
                }
                _ => self.line.push(byte),
            }
        }
        events
    }

    fn line(&mut self, line: &str) -> Option<ServerEvent> {
        if line.is_empty() {
            return self.dispatch();
        }
        // One that begins with a colon is a comment, and sets a field without a name.
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<ServerEvent> {
        let kind = std::mem::take(&mut self.kind);
        let mut data = std::mem::take(&mut self.data);
        // An event without data is none.
        data.pop()?;
        Some(ServerEvent {
            kind: if kind.is_empty() {
                "message".to_owned()
            } else {
                kind
            },
            data,
            id: self.id.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": heartbeat\n\n\
        event: video\r\nid: 7-1\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\n\
        data:first\rdata: second\r\revent: none\n\nid\ndata: ü: 2\nretry: 5\n\nevent: cut";

    fn event(kind: &str, data: &str, id: &str) -> ServerEvent {
        let (kind, data, id) = (kind.to_owned(), data.to_owned(), Some(id.to_owned()));
        ServerEvent { kind, data, id }
    }

    #[test]
    fn events_are_read_whatever_pieces_they_come_in() {
        let expected = [
            event("video", "{\"a\":\n1}", "7-1"),
            event("message", "first\nsecond", "7-1"),
            event("message", "ü: 2", ""),
        ];
        for size in 1..STREAM.len() {
            let mut reader = EventReader::default();
            let pieces = STREAM.as_bytes().chunks(size);
            let events: Vec<ServerEvent> = pieces.flat_map(|piece| reader.read(piece)).collect();
            assert_eq!(events, expected, "in pieces of {size}");
        }
    }
}
