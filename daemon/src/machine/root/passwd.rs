//! Users of a guest, by its own password file.

use std::io::Read;
use std::path::Path;

use nix::fcntl::OFlag;

use super::inside::open_inside;

/// The largest password file that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// The user and group id of a user of the guest, by its `/etc/passwd` (passwd(5)). A number that is not
/// there has the group of the same number.
pub(in crate::machine) fn resolve(root: &Path, user: &str) -> Option<(u32, u32)> {
    let number = user.parse::<u32>().ok().map(|id| (id, id));
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK;
    let Ok(file) = open_inside(root, Path::new("etc/passwd"), flags) else {
        return number;
    };
    let mut text = String::new();
    match std::fs::File::from(file)
        .take(LIMIT)
        .read_to_string(&mut text)
    {
        Ok(_) => find(&text, user).or(number),
        Err(_) => number,
    }
}

fn find(text: &str, user: &str) -> Option<(u32, u32)> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?;
        let gid = fields.next()?;
        if name != user && uid != user {
            return None;
        }
        Some((uid.parse().ok()?, gid.parse().ok()?))
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
        assert_eq!(find(text, "105"), Some((105, 110)), "with its own group");
    }
}
