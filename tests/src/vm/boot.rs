//! The way from options to a booted virtual machine.

use anyhow::{Result, bail};

use crate::boot::{Options, Say};
use crate::identity::sweep_stale_labs;
use crate::vm::agent;
use crate::vm::image;
use crate::vm::machine::Vm;
use crate::vm::power::Power;
use crate::{install, packages, program, slots};

impl Options {
    /// Boots the host as a virtual machine. It ends when the returned value is dropped or this
    /// process ends. One runs at a time; the next waits for its end.
    pub fn boot_vm(mut self) -> Result<Vm> {
        if self.hardware.is_some() {
            bail!("a virtual machine has a kernel of its own, which shows what hardware it has");
        }
        let Say(say) = self.take_say();
        packages::require_root()?;
        packages::require_tools(&packages::VIRTUAL_MACHINE, &say)?;
        sweep_stale_labs()?;
        let image = image::image(&say)?;
        if self.ctr {
            self.files.extend(install::files(self.profile, &say)?);
        }
        self.files.extend(agent::files(program::lab()?));
        let slot = slots::take_for_a_virtual_machine()?;
        let power = Power::on(image, self.files, self.gpu)?;
        Vm::boot_on(power, self.may_fail, slot)
    }
}
