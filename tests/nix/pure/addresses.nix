let
  inherit (import ../../../nixos-module/lib) address;
  inherit (address) at around isSubnet overlap toNumber fromNumber;
in
[
  {
    says = "an address is a number and back";
    ok = toNumber "192.168.200.11" == 3232286731 && fromNumber 3232286731 == "192.168.200.11";
  }
  {
    says = "the first and the last address of all are read";
    ok = toNumber "0.0.0.0" == 0 && toNumber "255.255.255.255" == 4294967295;
  }
  {
    says = "what is no address is none";
    ok = builtins.all (it: toNumber it == null) [ "" "1.2.3" "1.2.3.4.5" "256.1.1.1" "01.2.3.4" "1.2.3.4 " "a.b.c.d" "::1" "1.2.3.4/24" ];
  }
  {
    says = "a place is counted from the subnet's first address";
    ok = at "192.168.200.0/24" 11 == "192.168.200.11" && at "10.77.0.0/22" 300 == "10.77.1.44";
  }
  {
    says = "a place outside of the subnet has no address";
    ok = at "10.77.3.0/28" 16 == null && at "10.77.3.0/28" 15 == "10.77.3.15";
  }
  {
    says = "no place is in what is no subnet";
    ok = builtins.all (it: at it 1 == null) [ "" "10.77.3.0" "10.77.3.1/24" "10.77.3.0/33" "10.77.3/24" "10.77.3.0/" ];
  }
  {
    says = "groups have subnets from /8 to /30";
    ok = isSubnet "10.0.0.0/8" && isSubnet "10.77.3.0/30" && !isSubnet "10.0.0.0/7" && !isSubnet "10.77.3.0/31";
  }
  {
    says = "no group is on the loopback or on another reserved network";
    ok = !builtins.any isSubnet [ "127.0.0.0/24" "0.0.0.0/8" "169.254.1.0/24" "224.0.0.0/24" "240.0.0.0/24" ];
  }
  {
    says = "subnets overlap where one has the other, whichever comes first";
    ok =
      overlap "10.0.0.0/8" "10.77.3.0/24"
      && overlap "10.77.3.0/24" "10.0.0.0/8"
      && overlap "10.77.3.0/24" "10.77.3.0/24"
      && !overlap "10.77.3.0/24" "10.77.4.0/24";
  }
  {
    says = "an address leads to the subnet around it";
    ok =
      around "172.17.0.1/16" == "172.17.0.0/16" && around "10.0.0.7" == "10.0.0.7/32" && around "fd00::1/64" == null;
  }
]
