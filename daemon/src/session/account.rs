//! A user of the guest, by the guest's own /etc/passwd and /etc/group (passwd(5), group(5)). Pure.
//!
//! The host's user databases have no say about a guest, and loading name service modules while
//! inside it would run the guest's code with our rights.

use thiserror::Error;

/// Who a session runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    /// The name; the number where it has none.
    pub(super) name: String,
    /// The user id, in the guest.
    pub(super) uid: u32,
    /// The group id, in the guest.
    pub(super) gid: u32,
    /// Every further group.
    pub(super) groups: Vec<u32>,
    /// The home directory.
    pub(super) home: String,
    /// The login shell.
    pub(super) shell: String,
}

/// There is no such user in the guest.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the container has no user `{0}`")]
pub(super) struct NoSuchUser(pub(super) String);

/// Looks a user up by name or number.
///
/// Root is there without any file, as in images that have none. Another number that no line names
/// is taken too, with the group of the same number and no home.
pub(super) fn look_up(user: &str, passwd: &str, group: &str) -> Result<Account, NoSuchUser> {
    let lines = || passwd.lines().filter_map(parse);
    let number = user.parse::<u32>().ok().filter(|uid| *uid != u32::MAX);
    let found = lines()
        .find(|account| account.name == user)
        .or_else(|| lines().find(|account| Some(account.uid) == number));
    let mut account = match (found, number) {
        (Some(account), _) => account,
        (None, _) if user == "root" => nameless(0, "root", "/root"),
        (None, Some(0)) => nameless(0, "root", "/root"),
        (None, Some(uid)) => nameless(uid, user, "/"),
        (None, None) => return Err(NoSuchUser(user.to_owned())),
    };
    account.groups = groups_of(&account, group);
    Ok(account)
}

fn nameless(id: u32, name: &str, home: &str) -> Account {
    Account {
        name: name.to_owned(),
        uid: id,
        gid: id,
        groups: Vec::new(),
        home: home.to_owned(),
        shell: String::from("/bin/sh"),
    }
}

fn parse(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let (name, _password) = (fields.next()?, fields.next()?);
    let (uid, gid) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let (_comment, home, shell) = (fields.next()?, fields.next()?, fields.next()?);
    // The highest number means "leave as it is" to setresuid(2): this process would stay root.
    if name.is_empty() || uid == u32::MAX || gid == u32::MAX {
        return None;
    }
    let or = |text: &str, default: &str| if text.is_empty() { default } else { text }.to_owned();
    Some(Account {
        name: name.to_owned(),
        uid,
        gid,
        groups: Vec::new(),
        home: or(home, "/"),
        shell: or(shell, "/bin/sh"),
    })
}

fn groups_of(account: &Account, group: &str) -> Vec<u32> {
    let mut groups: Vec<u32> = group
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(':').skip(2);
            let (gid, members) = (fields.next()?.parse().ok()?, fields.next()?);
            members
                .split(',')
                .any(|member| member == account.name)
                .then_some(gid)
        })
        .filter(|gid| *gid != u32::MAX)
        .collect();
    groups.push(account.gid);
    groups.sort_unstable();
    groups.dedup();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
        postgres:x:26:26:PostgreSQL:/var/lib/postgresql:/bin/bash\n\
        # a comment\n\
        +::::::\n\
        broken:x:abc:1::/:/bin/sh\n\
        trap:x:4294967295:4294967295::/:/bin/sh\n\
        bare:x:1000:100:::\n";
    const GROUP: &str =
        "root:x:0:\nwheel:x:1:root,bare\nssl-cert:x:103:postgres\nusers:x:100:bare\nodd\n";

    fn user(name: &str) -> Result<Account, NoSuchUser> {
        look_up(name, PASSWD, GROUP)
    }

    #[test]
    fn takes_everything_of_a_user_from_the_guests_files() {
        let postgres = user("postgres").unwrap();
        assert_eq!((postgres.uid, postgres.gid), (26, 26));
        assert_eq!(postgres.groups, [26, 103]);
        assert_eq!(postgres.home, "/var/lib/postgresql");
        assert_eq!(
            user("26").unwrap(),
            postgres,
            "the number means the same user"
        );
        let bare = user("bare").unwrap();
        assert_eq!((bare.home.as_str(), bare.shell.as_str()), ("/", "/bin/sh"));
        assert_eq!(bare.groups, [1, 100]);
    }

    #[test]
    fn root_is_there_without_any_file() {
        let root = look_up("root", "", "").unwrap();
        assert_eq!((root.uid, root.gid, root.home.as_str()), (0, 0, "/root"));
        assert_eq!(look_up("0", "", "").unwrap(), root);
    }

    #[test]
    fn a_number_without_a_name_is_a_user_of_no_groups() {
        let nobody = user("4711").unwrap();
        assert_eq!(
            (nobody.uid, nobody.gid, nobody.groups.as_slice()),
            (4711, 4711, &[4711][..])
        );
    }

    #[test]
    fn a_line_that_would_leave_the_session_root_names_nobody() {
        for name in ["trap", "broken", "+", "", "nobody", "4294967295", "-1"] {
            assert_eq!(user(name), Err(NoSuchUser(name.into())), "{name}");
        }
    }
}
