//! `ctr gpu`, `ctr status` and the metrics say which container has a card, and what its processes use of it.

use ctr_api::wire::Gpu;

use crate::guests::{PATIENCE, lab, running, sleeper, status, until_that};
use crate::nvml::laptop;

const GIB: u64 = 1 << 30;

#[test]
fn says_what_a_container_uses_of_a_gpu() {
    let gpu = "gpu = { vendor = \"nvidia\" }\n";
    let containers = [sleeper("web", 11, gpu), sleeper("plain", 12, "")];
    let metrics = "\nmetrics = \"/run/ctr-metrics.sock\"\n\n";
    let declaration = lab(&containers).replacen("\n\n", metrics, 1);
    let host = laptop(&declaration);
    running(&host, &["web", "plain"]);
    let process_of = |name: &str| {
        let leader = status(&host, name).leader.expect("it runs");
        host.write("/run/nvml/pid", leader.to_string());
    };
    process_of("web");
    let web = until_that(&host, "web", |it| it.gpu_memory == Some(2 * GIB));
    assert_eq!(web.gpus[0].label, "nvidia0");
    assert_eq!(
        (web.gpus[0].memory, web.gpu_utilisation),
        (Some(2 * GIB), Some(37))
    );
    assert!(host.ok("ctr lab status").contains("  nvidia0 2.0G  "));
    let scraped = "curl --silent --unix-socket /run/ctr-metrics.sock http://x/metrics";
    let line = "ctr_container_gpu_memory_bytes{container=\"web\",gpu=\"0000:01:00.0\",group=\"lab\"} 2147483648";
    host.until(
        &format!("{scraped} | grep --fixed-strings '{line}'"),
        PATIENCE,
    );
    let cards: Vec<Gpu> = serde_json::from_str(&host.ok("ctr gpu --json")).expect("an array");
    let used_by: Vec<&[String]> = cards.iter().map(|it| it.used_by.as_slice()).collect();
    assert_eq!(used_by, [&[][..], &["lab/web".to_owned()]]);
    assert_eq!(cards[1].memory_used, Some(3 * GIB), "by everybody");
    // Somebody else's process on the card is nobody's of those that have it.
    process_of("plain");
    let web = until_that(&host, "web", |it| it.gpu_memory == Some(0));
    assert_eq!(web.gpus[0].memory, Some(0));
    let plain = status(&host, "plain");
    assert!(plain.gpus.is_empty() && plain.gpu_memory.is_none());
}
