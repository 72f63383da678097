//! What the lab and its agent in a virtual machine say to each other: frames on a serial port.

use std::io::{self, ErrorKind, Read, Write};

/// More than any script or piece of output; a longer frame is not one of ours.
const LONGEST: u32 = 64 << 20;

/// What a frame means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// From the agent: it hears. Of no command.
    Ready = 1,
    /// To the agent: run this (a [`Request`](crate::vm::agent::Request) as JSON).
    Run = 2,
    /// To the agent: end the command with everything it started.
    Kill = 3,
    /// From the agent: the command wrote this to stdout.
    Stdout = 4,
    /// From the agent: the command wrote this to stderr.
    Stderr = 5,
    /// From the agent: the command ended with this status (four bytes, little endian).
    Exit = 6,
    /// From the agent: the command could not be run, and why.
    Failed = 7,
}

const KINDS: [Kind; 7] = [
    Kind::Ready,
    Kind::Run,
    Kind::Kill,
    Kind::Stdout,
    Kind::Stderr,
    Kind::Exit,
    Kind::Failed,
];

/// One message. On the wire: kind (1 byte), command and length (4 bytes each, little endian), bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// What it means.
    pub(crate) kind: Kind,
    /// Which command it is about, as the lab numbered it.
    pub(crate) command: u32,
    /// The rest, as its kind says.
    pub(crate) bytes: Vec<u8>,
}

impl Frame {
    /// A frame about a command.
    pub(crate) fn new(kind: Kind, command: u32, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self {
            kind,
            command,
            bytes,
        }
    }

    /// Writes it in one piece.
    pub(crate) fn write_to(&self, port: &mut impl Write) -> io::Result<()> {
        let length = u32::try_from(self.bytes.len())
            .ok()
            .filter(|length| *length <= LONGEST)
            .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "a frame that is too long"))?;
        let mut wire = vec![self.kind as u8];
        wire.extend(self.command.to_le_bytes());
        wire.extend(length.to_le_bytes());
        wire.extend(&self.bytes);
        port.write_all(&wire)?;
        port.flush()
    }

    /// Reads the next one; none where the other side is gone.
    pub(crate) fn read_from(port: &mut impl Read) -> io::Result<Option<Self>> {
        let mut head = [0; 9];
        match port.read_exact(&mut head) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let [kind, command @ .., a, b, c, d] = head;
        let length = u32::from_le_bytes([a, b, c, d]);
        let kind = KINDS.into_iter().find(|known| *known as u8 == kind);
        let Some(kind) = kind.filter(|_| length <= LONGEST) else {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                "no frame of the lab",
            ));
        };
        let mut bytes = vec![0; length as usize];
        port.read_exact(&mut bytes)?;
        Ok(Some(Self::new(kind, u32::from_le_bytes(command), bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let frames = [
            Frame::new(Kind::Ready, 0, ""),
            Frame::new(Kind::Exit, 0x0102_0304, 7_i32.to_le_bytes()),
        ];
        let mut wire = Vec::new();
        for frame in &frames {
            frame.write_to(&mut wire).expect("written");
        }
        let mut port = wire.as_slice();
        for frame in frames {
            let read = Frame::read_from(&mut port).expect("read");
            assert_eq!(read, Some(frame));
        }
        assert_eq!(Frame::read_from(&mut port).expect("the end"), None);
    }

    #[test]
    fn noise_is_no_frame() {
        let mut noise = &b"[    0.000000] Linux"[..];
        Frame::read_from(&mut noise).expect_err("not one of ours");
    }
}
