# How to find out whether a container works.
{ lib, ... }:

let
  inherit (lib) mkOption types;
  orNull = type: example: description: mkOption {
    type = types.nullOr type;
    default = null;
    inherit example description;
  };
in
{
  options.health = mkOption {
    type = types.nullOr (
      types.submodule {
        options = {
          http = orNull (types.submodule {
            options = {
              port = mkOption {
                type = types.port;
                example = 8080;
                description = "The port in the guest.";
              };
              path = orNull types.str "/health" "The path of the request: `/` where nothing is said.";
              status = mkOption {
                type = types.listOf types.ints.positive;
                default = [ ];
                example = [ 200 401 ];
                description = "The statuses that are a success: 200 to 399 where nothing is said.";
              };
              host = orNull types.str "www.example.org" "The name that is asked for (`Host`).";
            };
          }) { port = 8080; path = "/health"; } "A request that has to succeed.";
          tcp = orNull types.port 5432 "A port that has to accept a connection.";
          command = mkOption {
            type = types.listOf types.str;
            default = [ ];
            example = [ "pg_isready" ];
            description = "A command in the guest that has to end with status 0.";
          };
          user = orNull types.str "postgres" "Who runs the command; root where nobody is named.";
          interval = orNull types.str "30s" "From one probe to the next: `10s` where nothing is said.";
          timeout = orNull types.str "5s" "How long a probe may take: `2s` where nothing is said.";
          startInterval = orNull types.str "200ms" "The interval until the first success: `1s` where nothing is said.";
          failures = orNull types.ints.positive 5 "How many failures in a row make it unhealthy: 3 where nothing is said.";
          successes = orNull types.ints.positive 2 "How many successes make an unhealthy container healthy again: 1 where nothing is said.";
        };
      }
    );
    default = null;
    example = { http = { port = 8080; path = "/health"; }; };
    description = ''
      The probe that says whether it works: exactly one of `http`, `tcp` and `command`. With one it is ready at
      the first success, and whoever is `after` it starts then.
    '';
  };
}
