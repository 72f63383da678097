//! A secret that ctrd makes is made once: it outlives the guest, ctrd, and everything that `ctr down`
//! takes away.

use ctr_lab::Host;

use crate::guests::{PATIENCE, lab, running, sleeper};

#[test]
fn makes_secrets_once() {
    let token = "ports = [{ port = 8080, url = \"http\", token = \"token\" }]\n\
                 credentials.token = { generate = true }\n";
    let ephemeral = format!("ephemeral = true\n{token}");
    let declaration = lab(&[sleeper("web", 11, token), sleeper("short", 12, &ephemeral)]);
    let host = Host::with_ctr(&declaration);
    running(&host, &["web", "short"]);
    let secrets = "ctr lab secret web token && echo && ctr lab secret short token";
    let first = host.ok(secrets);
    let tokens: Vec<&str> = first.lines().collect();
    assert_eq!(tokens.len(), 2);
    assert_ne!(tokens[0], tokens[1]);
    let read = "ctr lab exec web -- cat /run/credentials/@system/token";
    assert_eq!(host.ok(read), tokens[0]);
    let url = format!("http://10.77.3.11:8080/?token={}\n", tokens[0]);
    assert_eq!(host.ok("ctr lab url web"), url);
    // Who may not have it gets the address, and hears why.
    let nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups";
    let without = host.run(&format!("{nobody} ctr lab url web"));
    assert_eq!(without.stdout, "http://10.77.3.11:8080/\n");
    assert!(without.stderr.contains("without its token"), "{without:#?}");
    host.fails(&format!("{nobody} ctr lab secret web token"));
    assert_eq!(
        host.ok(&format!("{nobody} ctr lab secret web")),
        "token  made by ctrd\n"
    );
    let modes = "cd /var/lib/ctr && stat --format='%a %U %n' .digest-key .secrets .secrets/lab-web .secrets/lab-web/token";
    assert_eq!(
        host.ok(modes),
        "600 root .digest-key\n700 root .secrets\n700 root .secrets/lab-web\n600 root .secrets/lab-web/token\n"
    );

    let same = |what: &str| {
        running(&host, &["web", "short"]);
        assert_eq!(host.ok(secrets), first, "after {what}");
        assert_eq!(host.ok(read), tokens[0], "after {what}");
    };
    host.ok("ctr lab restart web short");
    same("a restart");
    host.ok("kill -9 $(systemctl show --value --property=MainPID ctrd)");
    host.until("ctr status", PATIENCE);
    same("the death of ctrd");
    let down = host.ok("ctr down --yes");
    for name in ["web", "short"] {
        let path = format!("/var/lib/ctr/.secrets/lab-{name}/token\n");
        assert!(down.contains(&path), "{down}");
    }
    assert!(!down.contains("digest-key"), "{down}");
    host.fails("ls /run/ctr/credentials");
    host.ok("ctr apply");
    same("`ctr down`");
    // Declared no more, it is still data.
    host.ok("cp /etc/ctr/containers.toml /root/before && sed -i '/credentials/d; s/, token = \"token\"//' /etc/ctr/containers.toml");
    host.ok("ctr apply");
    host.fails(read);
    host.ok("mv /root/before /etc/ctr/containers.toml && ctr apply");
    same("another declaration");
    leaves_none_of_a_guest_that_is_gone(&host, read);
    makes_another_where_it_was_removed(&host, tokens[0]);
}

/// What a guest was given goes, also where it ended and was declared no more while ctrd was away.
fn leaves_none_of_a_guest_that_is_gone(host: &Host, read: &str) {
    host.ok("systemctl stop ctrd");
    host.ok("systemctl stop ctr-lab-web ctr-lab-short");
    host.ok("ls /run/ctr/credentials/lab-web/token /run/ctr/credentials/lab-short/token");
    host.ok("cp /etc/ctr/containers.toml /root/before");
    host.ok("sed -i '/containers.short/,$d' /etc/ctr/containers.toml");
    host.ok("systemctl start ctrd");
    running(host, &["web"]);
    host.until("! ls /run/ctr/credentials/lab-short", PATIENCE);
    host.ok(read);
    host.ok("ls /var/lib/ctr/.secrets/lab-short/token");
    host.ok("mv /root/before /etc/ctr/containers.toml && ctr apply");
    running(host, &["web", "short"]);
}

/// Who wants another one removes it.
fn makes_another_where_it_was_removed(host: &Host, first: &str) {
    host.ok("rm /var/lib/ctr/.secrets/lab-web/token");
    let plan = host.ok("ctr plan");
    assert!(plan.contains("credentials.token"), "{plan}");
    assert!(!plan.contains("lab/short"), "{plan}");
    host.ok("ctr apply");
    running(host, &["web"]);
    let second = host.ok("ctr lab secret web token");
    assert_eq!(second.len(), first.len());
    assert_ne!(second, first);
}
