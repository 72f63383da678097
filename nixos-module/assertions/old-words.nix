# Options of nixos-container(5) that were written for one of ours.
{ declared, lib, ... }:

lib.concatMap (it: it.it.oldWords) declared.containers
