# The smallest container that serves something: a NixOS guest whose only service says `text` on port 8080.
{ text }:

{
  stateVersion = "25.11";
  ports.web = {
    port = 8080;
    url = "http";
  };
  health.http.port = 8080;

  config =
    { pkgs, ... }:
    {
      systemd.services.web = {
        wantedBy = [ "multi-user.target" ];
        serviceConfig = {
          ExecStart = "${pkgs.busybox}/bin/httpd -f -p 8080 -h ${pkgs.writeTextDir "index.html" text}";
          DynamicUser = true;
        };
      };
    };
}
