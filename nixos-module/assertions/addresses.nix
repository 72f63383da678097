# Where containers and the host are in their subnets.
{ declared, lib, ... }:

let
  inherit (import ../lib) address names;
  inherit (declared) containers groups pairs;

  # What can be said of addresses only where the subnet is one.
  usable = group: address.isSubnet group.it.subnet;

  last = group: (address.subnet group.it.subnet).last - (address.subnet group.it.subnet).first - 1;
  places = group: "1 to ${toString (last group)}";
  isPlace = group: place: place >= 1 && place <= last group;

  hosts = map (
    group:
    "${group.option}.hostOffset: ${toString group.it.hostOffset} is no place in ${group.it.subnet}. Write one from ${places group}."
  ) (lib.filter (group: usable group && !isPlace group group.it.hostOffset) groups);

  # The places of a group that nobody has, from where the places of names begin, or else from the first.
  free =
    group:
    let
      taken = [
        group.it.hostAddress
      ]
      ++ map (it: it.it.address) (lib.filter (it: it.group.name == group.name) containers);
      isFree = place: isPlace group place && !lib.elem (address.at group.it.subnet place) taken;
      candidates = lib.filter isFree (lib.range 32 250 ++ lib.range 1 31);
    in
    if candidates == [ ] then "another place" else toString (lib.head candidates);

  byHand = it: it.it.address != address.at it.group.it.subnet (if it.it.offset != null then it.it.offset else names.place it.name);

  outside =
    it:
    let
      inherit (it.group.it) subnet;
      text = it.it.address;
      number = address.toNumber text;
      net = address.subnet subnet;
    in
    if byHand it then
      if text == null || number == null then
        [ "${it.option}.address: ${if text == null then "null" else "\"${text}\""} is no IPv4 address. Write one of ${subnet}, or remove it: `offset` or the name say the place." ]
      else
        lib.optional (number <= net.first || number >= net.last)
          "${it.option}.address: ${text} is no address for a container in ${subnet}, the subnet of ${it.group.option}. Write `offset`, from ${places it.group}, in its place."
    else if it.it.offset != null then
      lib.optional (!isPlace it.group it.it.offset)
        "${it.option}.offset: ${toString it.it.offset} is no place in ${subnet}. Write one from ${places it.group}."
    else
      lib.optional (!isPlace it.group (names.place it.name))
        "${it.option}: the place that its name gives it, ${toString (names.place it.name)}, is outside of ${subnet}. Write `${it.option}.offset`, from ${places it.group}.";

  theHosts = map (
    it:
    "${it.option} is at ${it.it.address}, the host's own address in ${it.group.option}. Write `${it.option}.offset = ${free it.group};`."
  ) (lib.filter (it: it.it.address != null && it.it.address == it.group.it.hostAddress) containers);

  # One of a pair that has its place from its name is the one to move.
  same =
    { one, other }:
    let
      moved = if other.it.offset == null || one.it.offset != null || one.preset then other else one;
    in
    "${one.option} and ${other.option} are both at ${one.it.address}. Write `${moved.option}.offset = ${free moved.group};`.";
in
hosts
++ lib.concatMap outside (lib.filter (it: usable it.group) containers)
++ theHosts
++ map same (
  lib.filter (
    pair:
    pair.one.group.name == pair.other.group.name
    && pair.one.it.address != null
    && pair.one.it.address == pair.other.it.address
  ) (pairs containers)
)
