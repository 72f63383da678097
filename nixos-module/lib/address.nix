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

  # "192.168.200.0/24" -> { first, last, prefix }: its first and last address; null where it is no subnet,
  # or has bits behind its prefix.
  subnet =
    text:
    let
      parts = match "([0-9.]+)/([0-9]|[12][0-9]|3[0-2])" text;
      first = toNumber (elemAt parts 0);
      prefix = builtins.fromJSON (elemAt parts 1);
      size = power 2 (32 - prefix);
    in
    if parts == null || first == null || first / size * size != first then
      null
    else
      {
        inherit first prefix;
        last = first + size - 1;
      };
in
{
  inherit toNumber fromNumber subnet;

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
