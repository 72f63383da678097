# IPv4 addresses and subnets, as numbers. Only builtins: it is evaluated without any nixpkgs.
let
  inherit (builtins) elemAt match;

  power = base: exponent: if exponent == 0 then 1 else base * power base (exponent - 1);

  # "192.168.200.11" -> 3232286731; null where it is no address.
  #
  # A leading zero is refused: some programs read such a number as octal (RFC 6943, 3.1.1).
  toNumber =
    text:
    let
      octet = "(0|[1-9][0-9]{0,2})";
      parts = match "${octet}\\.${octet}\\.${octet}\\.${octet}" text;
      numbers = map builtins.fromJSON parts;
    in
    if parts == null || builtins.any (it: it > 255) numbers then
      null
    else
      builtins.foldl' (sum: it: sum * 256 + it) 0 numbers;

  # The way back.
  fromNumber =
    number:
    let
      octet = place: toString (number / power 256 place - number / power 256 (place + 1) * 256);
    in
    "${octet 3}.${octet 2}.${octet 1}.${octet 0}";

  # An address and its prefix as numbers, "10.0.0.1/8" -> { number, prefix, size }; null where they are none.
  split =
    text:
    let
      parts = match "([0-9.]+)/([0-9]|[12][0-9]|3[0-2])" text;
      number = toNumber (elemAt parts 0);
      prefix = builtins.fromJSON (elemAt parts 1);
    in
    if parts == null || number == null then
      null
    else
      {
        inherit number prefix;
        size = power 2 (32 - prefix);
      };

  # "192.168.200.0/24" -> { first, last, prefix }: its first and last address; null where it is no subnet,
  # or has bits behind its prefix.
  subnet =
    text:
    let
      it = split text;
    in
    if it == null || it.number / it.size * it.size != it.number then
      null
    else
      {
        inherit (it) prefix;
        first = it.number;
        last = it.number + it.size - 1;
      };

  # The networks that no guest can be in: of "this host", the loopback, link-local, and whatever is no network of
  # single hosts.
  reserved = [
    "0.0.0.0/8"
    "127.0.0.0/8"
    "169.254.0.0/16"
    "224.0.0.0/3"
  ];
in
rec {
  inherit toNumber fromNumber subnet;

  # Whether a text is a subnet that a group can have.
  isSubnet =
    text:
    let
      it = subnet text;
    in
    it != null && it.prefix >= 8 && it.prefix <= 30 && !builtins.any (overlap text) reserved;

  # The subnet that an address is in: "172.17.0.1/16" -> "172.17.0.0/16", and "10.0.0.1" -> "10.0.0.1/32". null
  # where the text is neither.
  around =
    text:
    let
      it = split (if match ".*/.*" text == null then "${text}/32" else text);
    in
    if it == null then null else "${fromNumber (it.number / it.size * it.size)}/${toString it.prefix}";

  # The address at a place in a subnet: `at "192.168.200.0/24" 11` is "192.168.200.11". null where the text is
  # no subnet or the place is outside of it: what is wrong is said by an assertion, not by a trace.
  at =
    text: place:
    let
      net = subnet text;
      address = net.first + place;
    in
    if net == null || address > net.last then null else fromNumber address;

  contains =
    text: address:
    let
      net = subnet text;
      number = toNumber address;
    in
    net != null && number != null && number >= net.first && number <= net.last;

  # Whether two subnets share an address.
  overlap =
    one: other:
    let
      a = subnet one;
      b = subnet other;
    in
    a != null && b != null && a.first <= b.last && b.first <= a.last;
}
