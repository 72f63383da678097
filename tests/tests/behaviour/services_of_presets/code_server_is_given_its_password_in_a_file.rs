//! The script of the preset `code-server` writes a configuration that says exactly what the credential says, that only
//! its user can read; a password that would let everybody in is refused.

use ctr_lab::Host;

use super::file;
use crate::guests::{lab, running, sleeper, write_secret};

const SCRIPT: &str =
    include_str!("../../../../nixos-module/presets/guests/scripts/code-server-password.sh");

const WRITE: &str = "#!/bin/sh
export CREDENTIALS_DIRECTORY=/tmp/given CODE_SERVER_CONFIG=/tmp/config.yaml
mkdir -p $CREDENTIALS_DIRECTORY && cat >$CREDENTIALS_DIRECTORY/password && sh /opt/code-server-password.sh
";

const READ: &str = "import sys, yaml
config = yaml.safe_load(open('/tmp/config.yaml'))
assert set(config) == {'auth', 'password'} and config['auth'] == 'password', config
sys.stdout.write(config['password'])
";

#[test]
fn code_server_is_given_its_password_in_a_file() {
    let files = [
        file("/opt/code-server-password.sh", SCRIPT, "0644"),
        file("/opt/write", WRITE, "0755"),
        file("/opt/read.py", READ, "0644"),
    ];
    let host = Host::with_ctr(&lab(&[sleeper("web", 11, &files.concat())]));
    running(&host, &["web"]);
    let write = "ctr lab exec -u www-data web -- /opt/write </root/password";
    for password in [
        "0123456789abcdef",
        "it's 'quoted' \"twice\" # no comment: [x] {y} \\n",
        "' '",
        "null",
        "é",
    ] {
        write_secret(&host, "/root/password", password);
        host.ok(write);
        let read = host.ok("ctr lab exec -u www-data web -- /usr/bin/python3 /opt/read.py");
        assert_eq!(read, password);
    }
    let mode = host.ok("ctr lab exec web -- stat -c '%a %U' /tmp/config.yaml");
    assert_eq!(mode, "600 www-data\n");

    for (nothing, words) in [
        (
            "\n",
            "the credential `password` is empty: everybody could open code-server",
        ),
        (
            "two\nlines",
            "the credential `password` is no single line of text",
        ),
    ] {
        write_secret(&host, "/root/password", nothing);
        let refused = host.fails(write);
        assert_eq!(refused.status, 78, "{refused:?}");
        assert_eq!(refused.stderr.trim(), words);
    }
}
