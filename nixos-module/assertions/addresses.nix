# Where containers and the host are in their subnets.
{ declared, lib, ... }:

let
  inherit (import ../lib) address names;
  inherit (declared) containers groups;

  # What can be said of addresses only where the subnet is one.
  usable = group: address.isSubnet group.it.subnet;

  last = group: (address.subnet group.it.subnet).last - (address.subnet group.it.subnet).first - 1;
  places = group: "1 to ${toString (last group)}";
  isPlace = group: place: place >= 1 && place <= last group;

  hosts = map (
    group:
    "${group.option}.hostOffset: ${toString group.it.hostOffset} is no place in ${group.it.subnet}. Write one from ${places group}."
  ) (lib.filter (group: usable group && !isPlace group group.it.hostOffset) groups);

  inGroup = group: lib.filter (it: it.group.name == group.name && it.it.address != null) containers;

  # The places of a group that nobody has, from where the places of names begin on.
  free =
    group:
    let
      taken = [ group.it.hostAddress ] ++ map (it: it.it.address) (inGroup group);
    in
    lib.filter (
      place: isPlace group place && !lib.elem (address.at group.it.subnet place) taken
    ) (lib.range 32 250 ++ lib.range 1 31);

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

  # Who was there first stays: a preset, or else one whose place somebody chose.
  stays =
    those:
    let
      presets = lib.filter (it: it.preset) those;
      chosen = lib.filter (it: it.it.offset != null) those;
    in
    lib.head (presets ++ chosen ++ those);

  # Those of a group who have to move, and where they cannot stay.
  moving =
    group:
    lib.concatMap (
      those:
      let
        at = (lib.head those).it.address;
        first = stays those;
      in
      if at == group.it.hostAddress then
        map (it: {
          inherit it;
          because = "${it.option} is at ${at}, the host's own address in ${group.option}.";
        }) those
      else
        map (it: {
          inherit it;
          because = "${first.option} and ${it.option} are both at ${at}.";
        }) (lib.filter (it: it.id != first.id) those)
    ) (lib.attrValues (lib.groupBy (it: it.it.address) (inGroup group)));

  move =
    group:
    let
      places = free group;
    in
    lib.imap0 (
      index:
      { it, because }:
      "${because} Write "
      + (
        if index < lib.length places then
          "`${it.option}.offset = ${toString (lib.elemAt places index)};`."
        else
          "a wider `${group.option}.subnet`: this one is full."
      )
    ) (moving group);
in
hosts
++ lib.concatMap outside (lib.filter (it: usable it.group) containers)
++ lib.concatMap move (lib.filter usable groups)
