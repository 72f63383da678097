//! A disk served to qemu over a socket, as the NBD protocol has it: one client, one export, no more
//! than a disk of a virtual machine needs.
//!
//! <https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md>; numbers are big endian.

use std::io::{self, ErrorKind, Read, Write};

const MAGIC: u64 = u64::from_be_bytes(*b"NBDMAGIC");
const OPTION_MAGIC: u64 = u64::from_be_bytes(*b"IHAVEOPT");
const REPLY_MAGIC: u64 = 0x0003_e889_0455_65a9;
const REQUEST_MAGIC: u32 = 0x2560_9513;
const SIMPLE_REPLY_MAGIC: u32 = 0x6744_6698;

/// Fixed newstyle, and no padding after the handshake.
const HANDSHAKE_FLAGS: u16 = 1 | 1 << 1;
/// There are flags, and the disk has a cache that can be flushed.
const EXPORT_FLAGS: u16 = 1 | 1 << 2;

const ABORT: u32 = 2;
const GO: u32 = 7;

const ACKNOWLEDGED: u32 = 1;
const INFORMATION: u32 = 3;
const UNSUPPORTED: u32 = 1 << 31 | 1;

/// More than any option that a client sends here.
const LONGEST_OPTION: u32 = 4096;
/// More than qemu asks for at once (`NBD_MAX_BUFFER_SIZE`).
const LONGEST_REQUEST: u32 = 32 << 20;

/// What a disk does for its client. Places and lengths are in bytes.
pub(crate) trait Device {
    /// Its size in bytes.
    fn size(&self) -> u64;
    /// Fills `bytes` from `offset` on.
    fn read(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
    /// Takes `bytes` for the place at `offset`. They need not be on the disk before a flush.
    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Everything that was written is on the disk when this returns.
    fn flush(&mut self) -> io::Result<()>;
}

/// Serves a client until it is gone. Its death is a way to go.
pub(crate) fn serve(client: &mut (impl Read + Write), device: &mut impl Device) -> io::Result<()> {
    let served = negotiate(client, device.size()).and_then(|ready| {
        if ready {
            transmit(client, device)
        } else {
            Ok(())
        }
    });
    match served {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
            ) =>
        {
            Ok(())
        }
        other => other,
    }
}

/// Agrees on the export; `false` where the client leaves instead.
fn negotiate(client: &mut (impl Read + Write), size: u64) -> io::Result<bool> {
    let mut greeting = Vec::new();
    greeting.extend(MAGIC.to_be_bytes());
    greeting.extend(OPTION_MAGIC.to_be_bytes());
    greeting.extend(HANDSHAKE_FLAGS.to_be_bytes());
    client.write_all(&greeting)?;
    let _flags: [u8; 4] = bytes(client)?;
    loop {
        expect(u64::from_be_bytes(bytes(client)?) == OPTION_MAGIC)?;
        let option = u32::from_be_bytes(bytes(client)?);
        let length = u32::from_be_bytes(bytes(client)?);
        expect(length <= LONGEST_OPTION)?;
        client.read_exact(&mut vec![0; length as usize])?;
        match option {
            GO => {
                // NBD_INFO_EXPORT is number 0.
                let mut export = vec![0; 2];
                export.extend(size.to_be_bytes());
                export.extend(EXPORT_FLAGS.to_be_bytes());
                answer(client, option, INFORMATION, &export)?;
                answer(client, option, ACKNOWLEDGED, &[])?;
                return Ok(true);
            }
            ABORT => {
                answer(client, option, ACKNOWLEDGED, &[])?;
                return Ok(false);
            }
            _ => answer(client, option, UNSUPPORTED, &[])?,
        }
    }
}

fn answer(client: &mut impl Write, option: u32, kind: u32, data: &[u8]) -> io::Result<()> {
    let length = u32::try_from(data.len()).map_err(io::Error::other)?;
    let mut reply = Vec::new();
    reply.extend(REPLY_MAGIC.to_be_bytes());
    reply.extend(option.to_be_bytes());
    reply.extend(kind.to_be_bytes());
    reply.extend(length.to_be_bytes());
    reply.extend(data);
    client.write_all(&reply)
}

fn transmit(client: &mut (impl Read + Write), device: &mut impl Device) -> io::Result<()> {
    loop {
        expect(u32::from_be_bytes(bytes(client)?) == REQUEST_MAGIC)?;
        let _flags: [u8; 2] = bytes(client)?;
        let command = u16::from_be_bytes(bytes(client)?);
        let cookie: [u8; 8] = bytes(client)?;
        let offset = u64::from_be_bytes(bytes(client)?);
        let length = u32::from_be_bytes(bytes(client)?);
        expect(length <= LONGEST_REQUEST)?;
        let mut data = Vec::new();
        let done = match command {
            0 => {
                data.resize(length as usize, 0);
                device.read(offset, &mut data)
            }
            1 => {
                let mut written = vec![0; length as usize];
                client.read_exact(&mut written)?;
                device.write(offset, &written)
            }
            2 => return Ok(()),
            3 => device.flush(),
            _ => Err(ErrorKind::InvalidInput.into()),
        };
        // The protocol's own numbers: EINVAL and EIO.
        let error: u32 = match done {
            Ok(()) => 0,
            Err(error) if error.kind() == ErrorKind::InvalidInput => 22,
            Err(_) => 5,
        };
        if error != 0 {
            data.clear();
        }
        let mut reply = Vec::with_capacity(16 + data.len());
        reply.extend(SIMPLE_REPLY_MAGIC.to_be_bytes());
        reply.extend(error.to_be_bytes());
        reply.extend(cookie);
        reply.extend(data);
        client.write_all(&reply)?;
    }
}

fn bytes<const N: usize>(client: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn expect(as_agreed: bool) -> io::Result<()> {
    if as_agreed {
        Ok(())
    } else {
        Err(io::Error::new(
            ErrorKind::InvalidData,
            "a client that does not speak NBD",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;
    use std::thread;

    /// Bytes in memory, and how often they were flushed.
    struct Memory(Vec<u8>, usize);

    impl Device for Memory {
        fn size(&self) -> u64 {
            self.0.len() as u64
        }

        fn read(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
            let at = usize::try_from(offset).map_err(io::Error::other)?;
            let there = self.0.get(at..at + bytes.len());
            bytes.copy_from_slice(there.ok_or(ErrorKind::InvalidInput)?);
            Ok(())
        }

        fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
            let at = usize::try_from(offset).map_err(io::Error::other)?;
            self.0[at..at + bytes.len()].copy_from_slice(bytes);
            Ok(())
        }

        fn flush(&mut self) -> io::Result<()> {
            self.1 += 1;
            Ok(())
        }
    }

    fn ask(client: &mut UnixStream, option: u32) {
        let mut request = OPTION_MAGIC.to_be_bytes().to_vec();
        request.extend(option.to_be_bytes());
        request.extend(0_u32.to_be_bytes());
        client.write_all(&request).expect("asked");
    }

    /// The kind of an answer, and what came with it.
    fn answered(client: &mut UnixStream) -> (u32, Vec<u8>) {
        let head: [u8; 12] = bytes(client).expect("an answer");
        assert_eq!(head[..8], REPLY_MAGIC.to_be_bytes());
        let kind = u32::from_be_bytes(bytes(client).expect("its kind"));
        let length = u32::from_be_bytes(bytes(client).expect("its length"));
        let mut data = vec![0; length as usize];
        client.read_exact(&mut data).expect("its data");
        (kind, data)
    }

    /// The error of a request's reply.
    fn request(
        client: &mut UnixStream,
        command: u16,
        offset: u64,
        length: u32,
        data: &[u8],
    ) -> u32 {
        let mut request = REQUEST_MAGIC.to_be_bytes().to_vec();
        request.extend(0_u16.to_be_bytes());
        request.extend(command.to_be_bytes());
        request.extend(*b"a cookie");
        request.extend(offset.to_be_bytes());
        request.extend(length.to_be_bytes());
        request.extend(data);
        client.write_all(&request).expect("asked");
        assert_eq!(
            bytes(client).expect("a reply"),
            SIMPLE_REPLY_MAGIC.to_be_bytes()
        );
        let error = u32::from_be_bytes(bytes(client).expect("its error"));
        assert_eq!(&bytes::<8>(client).expect("its cookie"), b"a cookie");
        error
    }

    #[test]
    fn a_client_negotiates_writes_flushes_reads_and_dies() {
        let (mut client, mut other_end) = UnixStream::pair().expect("two sockets");
        let served = thread::spawn(move || {
            let mut memory = Memory(vec![0; 1024], 0);
            serve(&mut other_end, &mut memory).map(|()| memory)
        });
        let greeting: [u8; 18] = bytes(&mut client).expect("a greeting");
        assert_eq!(&greeting[..16], b"NBDMAGICIHAVEOPT");
        client.write_all(&[0, 0, 0, 3]).expect("flags");
        // Structured replies are not known here, which is no end.
        ask(&mut client, 8);
        assert_eq!(answered(&mut client), (UNSUPPORTED, Vec::new()));
        ask(&mut client, GO);
        let (kind, export) = answered(&mut client);
        assert_eq!((kind, export.len()), (INFORMATION, 12));
        assert_eq!(export[2..10], 1024_u64.to_be_bytes());
        assert_eq!(answered(&mut client), (ACKNOWLEDGED, Vec::new()));

        assert_eq!(request(&mut client, 1, 512, 4, b"data"), 0);
        assert_eq!(request(&mut client, 3, 0, 0, b""), 0);
        assert_eq!(request(&mut client, 0, 512, 4, b""), 0);
        assert_eq!(&bytes::<4>(&mut client).expect("what was read"), b"data");
        // Beyond the end, and a command that nobody offered.
        assert_eq!(request(&mut client, 0, 1024, 4, b""), 22);
        assert_eq!(request(&mut client, 4, 0, 4, b""), 22);
        drop(client);
        let memory = served.join().expect("no panic").expect("no error");
        assert_eq!((&memory.0[512..516], memory.1), (&b"data"[..], 1));
    }
}
