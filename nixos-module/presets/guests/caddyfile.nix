# What dev/proxy serves, as Caddy's configuration.
{ lib }:

let
  # As text of a page: neither HTML, nor the end of Caddy's quotes, nor a placeholder of its.
  text =
    builtins.replaceStrings
      [ "&" "<" ">" "\"" "`" "{" "}" ]
      [ "&amp;" "&lt;" "&gt;" "&quot;" "&#96;" "&#123;" "&#125;" ];

  both = name: "http://${name} https://${name}";

  # `Host` is handed on as it came: servers compare it with the `Origin` of a WebSocket.
  site = names: upstream: ''
    ${lib.concatMapStringsSep " " both names} {
    	tls internal
    	reverse_proxy ${upstream}
    }
  '';

  # What a guest serves by HTTPS has a certificate that nobody knows.
  service =
    it:
    site
      [
        "${it.name}.internal"
        "${it.name}.localhost"
      ]
      (
        if it.scheme == "https" then
          "https://${it.upstream} {\n\t\ttransport http {\n\t\t\ttls_insecure_skip_verify\n\t\t}\n\t}"
        else
          it.upstream
      );

  # Links lead to where the page was asked for: by the same scheme, at the same port.
  link =
    name: description:
    ''<li><a href="{http.request.scheme}://${name}:{http.request.port}/">${name}</a> ${text description}</li>'';

  page = items: ''
    header Content-Type "text/html; charset=utf-8"
    	respond `<!DOCTYPE html>
    <title>Services</title>
    <h1>Services</h1>
    <ul>
    ${lib.concatStringsSep "\n" items}
    </ul>
    `'';
in
{
  sites =
    {
      address,
      routes,
      services,
    }:
    let
      own = lib.mapAttrsToList (name: _: link name "") routes;
      list = domain: page (map (it: link "${it.name}.${domain}" it.description) services ++ own);
    in
    ''
      http:// https://${address} {
      	tls internal
      	${list "internal"}
      }

      ${both "localhost"} {
      	tls internal
      	${list "localhost"}
      }
    ''
    + lib.concatMapStrings (it: "\n" + service it) services
    + lib.concatMapStrings (name: "\n" + site [ name ] routes.${name}) (lib.attrNames routes);
}
