//! Users of a guest, by its own password file.

use std::io::Read;
use std::path::Path;

use nix::fcntl::OFlag;

use super::inside::open_inside;

/// The largest password file that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// The user and group id of a user of the guest: by number, or by name from its `/etc/passwd`
/// (passwd(5)).
pub(in crate::machine) fn resolve(root: &Path, user: &str) -> Option<(u32, u32)> {
    if let Ok(id) = user.parse::<u32>() {
        return Some((id, id));
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK;
    let file = open_inside(root, Path::new("etc/passwd"), flags).ok()?;
    let mut text = String::new();
    std::fs::File::from(file)
        .take(LIMIT)
        .read_to_string(&mut text)
        .ok()?;
    find(&text, user)
}

fn find(text: &str, user: &str) -> Option<(u32, u32)> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != user {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some((uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let text = "root:x:0:0:root:/root:/bin/bash\npostgres:x:105:110::/var/lib/postgresql:\n";
        assert_eq!(find(text, "postgres"), Some((105, 110)));
        assert_eq!(find(text, "postgre"), None);
    }
}
