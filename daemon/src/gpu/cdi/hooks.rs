//! Programs that a specification wants to have run, and what they would do.
//!
//! ctrd runs none of them: they expect the state of an OCI runtime and change the root of a container
//! as the host's root. What the known ones do is done in its own way.

use std::path::Path;

use super::spec::Hook;

/// What the programs of vendors are called; `nvidia-ctk hook …` is the older spelling.
const PROGRAMS: [&str; 3] = ["nvidia-cdi-hook", "nvidia-ctk", "amd-ctk"];

/// What comes of a program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Effect {
    /// Links, each as target and path.
    pub(super) links: Vec<(String, String)>,
    /// Folders with libraries.
    pub(super) folders: Vec<String>,
    /// What is not done.
    pub(super) unapplied: Option<String>,
}

/// Finds what a hook would do.
pub(super) fn effect(hook: &Hook) -> Effect {
    let program = Path::new(&hook.path).file_name().unwrap_or_default();
    let known = PROGRAMS.iter().any(|name| program == *name);
    // The first word is the program itself (execve(2)); options before the command change its logging.
    let mut words = hook.args.iter().skip(1).map(String::as_str).peekable();
    while words
        .next_if(|word| *word == "hook" || word.starts_with('-'))
        .is_some()
    {}
    let command = words.next().unwrap_or_default();
    if !known {
        return not_run("ctr does not know what it does");
    }
    let flags = flags(words);
    match command {
        "create-symlinks" => links(&flags),
        "update-ldcache" | "create-soname-symlinks" => folders(&flags),
        // Both would keep a program in the guest from making or changing device nodes: what it has of
        // the NVIDIA driver's parameters says that it may. No guest can make one, whatever they say.
        "disable-device-node-modification" | "update-nvidia-params" => Effect::default(),
        "chmod" => chmod(&flags),
        "enable-cuda-compat" => not_run(
            "libraries of CUDA's forward compatibility in the guest are not preferred to the host's",
        ),
        "update-application-profile" => {
            not_run("the guest's EGL and Vulkan are not told which processors they may show")
        }
        _ => not_run("ctr does not know what it does"),
    }
}

fn not_run(why: &str) -> Effect {
    Effect {
        unapplied: Some(why.to_owned()),
        ..Effect::default()
    }
}

/// The options of a command, as `--name value` and `--name=value`; a word without a dash is nobody's.
fn flags<'a>(words: impl Iterator<Item = &'a str>) -> Vec<(&'a str, &'a str)> {
    let mut words = words.peekable();
    let mut flags = Vec::new();
    while let Some(word) = words.next() {
        let Some(name) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else {
            flags.push(("", word));
            continue;
        };
        if let Some((name, value)) = name.split_once('=') {
            flags.push((name, value));
        } else {
            let value = words.next_if(|next| !next.starts_with("--"));
            flags.push((name, value.unwrap_or_default()));
        }
    }
    flags
}

fn links(flags: &[(&str, &str)]) -> Effect {
    let mut effect = Effect::default();
    for (name, value) in flags {
        match (*name, value.split_once("::")) {
            ("link", Some((target, path))) if !path.contains("::") => {
                effect.links.push((target.to_owned(), path.to_owned()));
            }
            ("link", _) => {
                effect.unapplied = Some("a link is written as target::path".to_owned());
            }
            _ => effect.unapplied = Some(unknown_option(name)),
        }
    }
    effect
}

fn folders(flags: &[(&str, &str)]) -> Effect {
    let mut effect = Effect::default();
    for (name, value) in flags {
        match *name {
            "folder" => effect.folders.push((*value).to_owned()),
            // Which program would have done it.
            "ldconfig-path" => {}
            _ => effect.unapplied = Some(unknown_option(name)),
        }
    }
    effect
}

/// Directories that hold device nodes have this mode in every guest.
fn chmod(flags: &[(&str, &str)]) -> Effect {
    let same = flags.iter().all(|(name, value)| match *name {
        "mode" => matches!(*value, "755" | "0755"),
        "path" => Path::new(value).starts_with("/dev"),
        _ => false,
    });
    if same {
        Effect::default()
    } else {
        not_run("it would change the mode of the guest's own files")
    }
}

fn unknown_option(name: &str) -> String {
    format!(
        "ctr does not know its option {}",
        crate::declaration::quote(name)
    )
}

#[cfg(test)]
mod tests {
    use super::{Effect, effect};
    use crate::gpu::cdi::spec::Hook;

    fn of(path: &str, args: &[&str]) -> Effect {
        let hook = serde_json::json!({ "hookName": "createContainer", "path": path, "args": args });
        let hook: Hook = serde_json::from_value(hook).expect("a hook");
        effect(&hook)
    }

    #[test]
    fn old_and_new_spellings_do_the_same() {
        let link = "libcuda.so.1::/usr/lib/libcuda.so";
        let new = of(
            "/usr/bin/nvidia-cdi-hook",
            &["nvidia-cdi-hook", "create-symlinks", "--link", link],
        );
        let links = vec![("libcuda.so.1".to_owned(), "/usr/lib/libcuda.so".to_owned())];
        let wanted = Effect {
            links,
            ..Effect::default()
        };
        assert_eq!(new, wanted);
        let joined = format!("--link={link}");
        let old = of(
            "/usr/bin/nvidia-ctk",
            &["nvidia-ctk", "--debug", "hook", "create-symlinks", &joined],
        );
        assert_eq!(old, wanted);
    }

    #[test]
    fn folders_of_libraries_are_found() {
        let args = [
            "nvidia-cdi-hook",
            "update-ldcache",
            "--ldconfig-path",
            "/sbin/ldconfig",
            "--folder",
            "/usr/lib64",
            "--folder=/usr/lib64/vdpau",
        ];
        let found = of("/nix/store/x/bin/nvidia-cdi-hook", &args);
        assert_eq!(found.folders, ["/usr/lib64", "/usr/lib64/vdpau"]);
        assert_eq!(found.unapplied, None);
    }

    #[test]
    fn what_is_not_known_is_said() {
        for (path, args) in [
            (
                "/usr/bin/rm",
                &["rm", "create-symlinks", "--link", "a::/b"][..],
            ),
            ("/usr/bin/nvidia-cdi-hook", &["nvidia-cdi-hook", "conjure"]),
            ("/usr/bin/nvidia-cdi-hook", &["nvidia-cdi-hook"]),
            ("/usr/bin/nvidia-cdi-hook", &[]),
            (
                "/usr/bin/nvidia-ctk",
                &[
                    "nvidia-ctk",
                    "hook",
                    "create-symlinks",
                    "--csv-filenames",
                    "x",
                ],
            ),
            (
                "/usr/bin/nvidia-cdi-hook",
                &["nvidia-cdi-hook", "create-symlinks", "--link", "a::b::c"],
            ),
        ] {
            let found = of(path, args);
            assert!(found.unapplied.is_some(), "{args:?}");
            assert!(
                found.links.is_empty() && found.folders.is_empty(),
                "{args:?}"
            );
        }
        let etc = [
            "nvidia-cdi-hook",
            "chmod",
            "--mode",
            "755",
            "--path",
            "/etc",
        ];
        assert!(of("/usr/bin/nvidia-cdi-hook", &etc).unapplied.is_some());
    }

    #[test]
    fn what_is_so_already_is_not_said() {
        for args in [
            &["nvidia-cdi-hook", "disable-device-node-modification"][..],
            &[
                "nvidia-cdi-hook",
                "chmod",
                "--mode",
                "755",
                "--path",
                "/dev/dri",
            ],
        ] {
            let found = of("/usr/bin/nvidia-cdi-hook", args);
            assert_eq!(found, Effect::default(), "{args:?}");
        }
    }
}
