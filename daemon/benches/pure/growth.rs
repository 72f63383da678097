//! What a container costs, by how many there are: from criterion's own estimates.

use std::fs;
use std::path::Path;

use super::SIZES;

/// A line for each that was measured.
pub(crate) fn print<const N: usize>(directory: &Path, names: [&str; N]) {
    println!(
        "\n{:<34} {:>12} {:>12} {:>12}   1000 beside 10",
        "for one container, of", 10, 100, 1000
    );
    for name in names {
        let found: Option<Vec<f64>> = SIZES
            .iter()
            .map(|size| median(&directory.join(name).join(size.to_string())))
            .zip(SIZES)
            .map(|(median, size)| Some(median? / f64::from(u32::try_from(size).ok()?)))
            .collect();
        let Some(&[ten, hundred, thousand]) = found.as_deref() else {
            continue;
        };
        let [few, some, many] = [ten, hundred, thousand].map(|it| format!("{:.2} µs", it / 1e3));
        println!(
            "{name:<34} {few:>12} {some:>12} {many:>12}   {:.2}",
            thousand / ten
        );
    }
}

/// The median of the newest run, in nanoseconds.
fn median(place: &Path) -> Option<f64> {
    let text = fs::read_to_string(place.join("new/estimates.json")).ok()?;
    let estimates: serde_json::Value = serde_json::from_str(&text).ok()?;
    estimates["median"]["point_estimate"].as_f64()
}
