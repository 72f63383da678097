//! Which graphics processors a container asks for.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The graphics processors that a container asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GpuRequest {
    /// Which.
    pub choice: GpuChoice,
    /// It starts without those that are not there, and is given them when they come.
    pub optional: bool,
}

/// How graphics processors are chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GpuChoice {
    /// From what ctrd finds on the host.
    Found {
        /// Whose they are.
        vendor: GpuVendors,
        /// Which of those.
        devices: GpuDevices,
    },
    /// As specifications of the Container Device Interface have them; at least one.
    Cdi(Vec<CdiName>),
}

/// Whose graphics processors are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GpuVendors {
    /// NVIDIA's.
    Nvidia,
    /// AMD's.
    Amd,
    /// Intel's.
    Intel,
    /// Anybody's.
    Any,
}

impl GpuVendors {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nvidia => "nvidia",
            Self::Amd => "amd",
            Self::Intel => "intel",
            Self::Any => "any",
        }
    }
}

impl fmt::Display for GpuVendors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which of a vendor's graphics processors are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GpuDevices {
    /// All that there are, whenever they come.
    All,
    /// These; at least one.
    These(Vec<GpuName>),
}

/// What one graphics processor is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GpuName {
    /// Its place among those of the vendors meant, in the order of their addresses, from 0.
    Index(u32),
    /// The identifier that NVIDIA's driver gives it, `GPU-` and a UUID.
    Uuid(String),
    /// Its address on the bus.
    Pci(PciAddress),
}

impl fmt::Display for GpuName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Uuid(uuid) => f.write_str(uuid),
            Self::Pci(address) => address.fmt(f),
        }
    }
}

/// A function on a PCI bus, as sysfs names it: `0000:01:00.0`, domain, bus, device, function, in
/// hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PciAddress {
    domain: u32,
    bus: u8,
    device: u8,
    function: u8,
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            domain,
            bus,
            device,
            function,
        } = self;
        write!(f, "{domain:04x}:{bus:02x}:{device:02x}.{function}")
    }
}

impl Serialize for PciAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text is no address on a PCI bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a PCI address such as 0000:01:00.0")]
pub struct NoPciAddress;

impl FromStr for PciAddress {
    type Err = NoPciAddress;

    /// Upper case digits and a longer domain, as NVIDIA's tools write it (`00000000:01:00.0`), are
    /// the same address.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
            let plain = text.bytes().all(|byte| byte.is_ascii_hexdigit());
            (plain && digits.contains(&text.len()))
                .then(|| u32::from_str_radix(text, 16).ok())
                .flatten()
                .ok_or(NoPciAddress)
        };
        let byte = |text: &str, digits: usize, most: u8| {
            let number = u8::try_from(number(text, digits..=digits)?).map_err(|_| NoPciAddress)?;
            (number <= most).then_some(number).ok_or(NoPciAddress)
        };
        let (domain, rest) = text.split_once(':').ok_or(NoPciAddress)?;
        let (bus, rest) = rest.split_once(':').ok_or(NoPciAddress)?;
        let (device, function) = rest.split_once('.').ok_or(NoPciAddress)?;
        Ok(Self {
            domain: number(domain, 4..=8)?,
            bus: byte(bus, 2, u8::MAX)?,
            device: byte(device, 2, 0x1f)?,
            function: byte(function, 1, 7)?,
        })
    }
}

/// The qualified name of a device in a specification of the Container Device Interface:
/// `nvidia.com/gpu=all`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CdiName {
    kind: String,
    device: String,
}

impl CdiName {
    /// Vendor and class: `nvidia.com/gpu`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The device among those of its kind: `all`.
    pub fn device(&self) -> &str {
        &self.device
    }
}

impl fmt::Display for CdiName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind, self.device)
    }
}

impl Serialize for CdiName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text is no name of a device of the Container Device Interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a CDI device's name such as nvidia.com/gpu=all")]
pub struct NoCdiName;

impl FromStr for CdiName {
    type Err = NoCdiName;

    /// The rules of the specification's section "CDI Kind" and of its device names: a vendor and a
    /// class begin with a letter, a device with a letter or a digit; all end with one of those.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, device) = text.split_once('=').ok_or(NoCdiName)?;
        let (vendor, class) = kind.split_once('/').ok_or(NoCdiName)?;
        let good = is_cdi_word(vendor, "-_.", false)
            && is_cdi_word(class, "-_", false)
            && is_cdi_word(device, "-_.:", true);
        if !good {
            return Err(NoCdiName);
        }
        Ok(Self {
            kind: kind.to_owned(),
            device: device.to_owned(),
        })
    }
}

fn is_cdi_word(word: &str, inside: &str, digit_first: bool) -> bool {
    let (Some(first), Some(last)) = (word.chars().next(), word.chars().last()) else {
        return false;
    };
    let begins = first.is_ascii_alphabetic() || (digit_first && first.is_ascii_digit());
    let all = word
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || inside.contains(c));
    begins && last.is_ascii_alphanumeric() && all && word.len() <= 128
}

#[cfg(test)]
mod tests {
    use super::{CdiName, PciAddress};

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        for text in ["0000:01:00.0", "00000000:01:00.0"] {
            let address: PciAddress = text.parse().expect("valid");
            assert_eq!(address.to_string(), "0000:01:00.0");
        }
        let upper: PciAddress = "0000:0A:1F.7".parse().expect("valid");
        assert_eq!(upper.to_string(), "0000:0a:1f.7");
        for text in [
            "",
            "01:00.0",
            "0000:01:00",
            "0000:01:00.8",
            "0000:01:20.0",
            "0000:1:00.0",
            "0000:01:00.0/../x",
            "+000:01:00.0",
            "000000000:01:00.0",
        ] {
            assert!(text.parse::<PciAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_cdi_name_has_a_vendor_a_class_and_a_device() {
        for text in [
            "nvidia.com/gpu=all",
            "nvidia.com/gpu=0",
            "amd.com/gpu=GPU-ab:cd",
            "a/b=c",
        ] {
            let name: CdiName = text.parse().expect("valid");
            assert_eq!(name.to_string(), text);
        }
        for text in [
            "",
            "all",
            "nvidia.com/gpu",
            "nvidia.com=0",
            "/gpu=0",
            "0vendor/gpu=0",
            "nvidia.com/gpu=",
            "nvidia.com/gpu=-a",
            "nvidia.com/gpu=a b",
            "nvidia.com/g/pu=0",
        ] {
            assert!(text.parse::<CdiName>().is_err(), "{text}");
        }
    }
}
