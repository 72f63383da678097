# The names and places of containers. Only builtins.
let
  inherit (builtins) stringLength substring;

  # The number of a hexadecimal text.
  fromHex = text: (builtins.fromTOML "it = 0x${text}").it;

  modulo = number: by: number - number / by * by;

  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
in
{
  # ctrd's name of the machine: `ml-ollama`, and `dev-ml` for `dev/dev-ml`.
  machine = group: container: if hasPrefix "${group}-" container then container else "${group}-${container}";

  # The place of a container in its subnet, counted from the subnet's first address. It follows from its name
  # alone, so that a container that comes or goes moves no other. The first 32 places are for the presets, the
  # host, and whoever chooses one by hand. Two that meet are told apart by `offset`, with words.
  #
  # 219 places: from 32 to 250, so that a /24 has them all.
  place = name: 32 + modulo (fromHex (substring 0 12 (builtins.hashString "sha256" name))) 219;

  isName = text: builtins.match "[a-z0-9]([a-z0-9-]*[a-z0-9])?" text != null && stringLength text <= 64;

  # `memoryMax` -> `memory-max`: an option's name as the declaration's key.
  key = builtins.replaceStrings
    [ "A" "B" "C" "D" "E" "F" "G" "H" "I" "J" "K" "L" "M" "N" "O" "P" "Q" "R" "S" "T" "U" "V" "W" "X" "Y" "Z" ]
    [ "-a" "-b" "-c" "-d" "-e" "-f" "-g" "-h" "-i" "-j" "-k" "-l" "-m" "-n" "-o" "-p" "-q" "-r" "-s" "-t" "-u" "-v" "-w" "-x" "-y" "-z" ];
}
