// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import java.util.List;
import java.util.Locale;

/**
 * The rules that kube-proxy's iptables mode is documented to make, as input of iptables-restore,
 * for services with the external traffic policy Cluster: a walk through all services in one chain,
 * a chain for each service that picks an endpoint by probability, a chain for each endpoint that
 * translates, and a mark for what is to be masqueraded.
 */
final class IptablesRules {
  /** With more endpoints than this, rules but those of KUBE-SERVICES go without comments. */
  private static final int MANY_ENDPOINTS = 1_000;

  /** From kube-proxy's defaults: bit 14. */
  private static final String MARK = "0x4000/0x4000";

  private static final String NEW = " -m conntrack --ctstate NEW";

  private final Services services;
  private final String podCidr;
  private final StringBuilder text = new StringBuilder();

  private IptablesRules(Services services, String podCidr) {
    this.services = services;
    this.podCidr = podCidr;
  }

  /**
   * Both tables, whole.
   *
   * @param podCidr what comes from elsewhere to a cluster IP is masqueraded
   */
  static String of(Services services, String podCidr) {
    IptablesRules rules = new IptablesRules(services, podCidr);
    rules.filter();
    rules.nat();
    return rules.text.toString();
  }

  private void line(String format, Object... arguments) {
    text.append(String.format(Locale.ROOT, format, arguments)).append('\n');
  }

  private void chains(String... chains) {
    for (String chain : chains) {
      line(":%s - [0:0]", chain);
    }
  }

  private void filter() {
    line("*filter");
    line(":INPUT ACCEPT [0:0]");
    line(":FORWARD ACCEPT [0:0]");
    line(":OUTPUT ACCEPT [0:0]");
    chains("KUBE-EXTERNAL-SERVICES", "KUBE-FIREWALL", "KUBE-FORWARD", "KUBE-NODEPORTS");
    chains("KUBE-PROXY-FIREWALL", "KUBE-SERVICES");
    line("-A INPUT%s -j KUBE-PROXY-FIREWALL", NEW + comment("load balancers' firewall"));
    line("-A INPUT%s -j KUBE-NODEPORTS", comment("health check node ports"));
    line("-A INPUT%s -j KUBE-EXTERNAL-SERVICES", NEW + comment("external services"));
    line("-A INPUT -j KUBE-FIREWALL");
    line("-A FORWARD%s -j KUBE-PROXY-FIREWALL", NEW + comment("load balancers' firewall"));
    line("-A FORWARD%s -j KUBE-FORWARD", comment("forwarding of services"));
    line("-A FORWARD%s -j KUBE-SERVICES", NEW + comment("services without endpoints"));
    line("-A FORWARD%s -j KUBE-EXTERNAL-SERVICES", NEW + comment("external services"));
    line("-A OUTPUT%s -j KUBE-PROXY-FIREWALL", NEW + comment("load balancers' firewall"));
    line("-A OUTPUT%s -j KUBE-SERVICES", NEW + comment("services without endpoints"));
    line("-A OUTPUT -j KUBE-FIREWALL");
    line(
        "-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8%s"
            + " -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
        comment("martians to localhost"));
    line("-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP");
    line("-A KUBE-FORWARD%s -m mark --mark %s -j ACCEPT", comment("marked by services"), MARK);
    line(
        "-A KUBE-FORWARD%s -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        comment("established"));
    line("COMMIT");
  }

  private void nat() {
    line("*nat");
    line(":PREROUTING ACCEPT [0:0]");
    line(":INPUT ACCEPT [0:0]");
    line(":OUTPUT ACCEPT [0:0]");
    line(":POSTROUTING ACCEPT [0:0]");
    chains("KUBE-MARK-MASQ", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-SERVICES");
    for (int i = 0; i < services.count(); i++) {
      chains(service(i));
      if (services.nodePort(i).isPresent()) {
        chains(external(i));
      }
      for (int e = 0; e < services.backends(i).size(); e++) {
        chains(endpoint(i, e));
      }
    }
    line("-A PREROUTING%s -j KUBE-SERVICES", comment("service portals"));
    line("-A OUTPUT%s -j KUBE-SERVICES", comment("service portals"));
    line("-A POSTROUTING%s -j KUBE-POSTROUTING", comment("postrouting"));
    line("-A KUBE-MARK-MASQ -j MARK --set-xmark %s", MARK);
    line("-A KUBE-POSTROUTING -m mark ! --mark %s -j RETURN", MARK);
    line("-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0");
    line("-A KUBE-POSTROUTING%s -j MASQUERADE --random-fully", comment("needs SNAT"));
    for (int i = 0; i < services.count(); i++) {
      service(i, services.backends(i));
    }
    line(
        "-A KUBE-SERVICES%s -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
        comment("node ports; this must be the last rule"));
    line("COMMIT");
  }

  private void service(int i, List<String> endpoints) {
    String name = Services.NAMESPACE + "/" + services.name(i) + ":http";
    String own = services.allBackends() > MANY_ENDPOINTS ? "" : comment(name);
    String portal =
        "-d %s/32 -p tcp -m tcp --dport %d".formatted(services.address(i), Services.PORT);
    line("-A KUBE-SERVICES%s %s -j %s", comment(name + " cluster IP"), portal, service(i));
    services
        .nodePort(i)
        .ifPresent(
            port -> {
              line("-A KUBE-NODEPORTS%s -p tcp -m tcp --dport %d -j %s", own, port, external(i));
              line("-A %s%s -j KUBE-MARK-MASQ", external(i), own);
              line("-A %s -j %s", external(i), service(i));
            });
    line("-A %s%s ! -s %s %s -j KUBE-MARK-MASQ", service(i), own, podCidr, portal);
    for (int e = 0; e < endpoints.size(); e++) {
      int left = endpoints.size() - e;
      String chance =
          left == 1
              ? ""
              : String.format(
                  Locale.ROOT, " -m statistic --mode random --probability %.10f", 1.0 / left);
      line("-A %s%s%s -j %s", service(i), own, chance, endpoint(i, e));
      line("-A %s%s -s %s/32 -j KUBE-MARK-MASQ", endpoint(i, e), own, endpoints.get(e));
      line(
          "-A %s%s -p tcp -m tcp -j DNAT --to-destination %s:%d",
          endpoint(i, e), own, endpoints.get(e), Services.TARGET_PORT);
    }
  }

  private static String comment(String text) {
    return " -m comment --comment \"" + text + "\"";
  }

  /** Sixteen characters after the prefix, as kube-proxy's hashes have. */
  private static String service(int i) {
    return String.format(Locale.ROOT, "KUBE-SVC-%016d", i);
  }

  private static String external(int i) {
    return String.format(Locale.ROOT, "KUBE-EXT-%016d", i);
  }

  private static String endpoint(int i, int e) {
    return String.format(Locale.ROOT, "KUBE-SEP-%012d%04d", i, e);
  }
}
