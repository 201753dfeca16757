// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The table that kube-proxy's nftables mode is documented to make, for services with the external
 * traffic policy Cluster: verdict maps from address, protocol and port to a chain for each service,
 * which picks an endpoint by a random number, and a chain for each endpoint that translates.
 */
final class NftablesRules {
  static final String TABLE = "kube-proxy";

  private static final String HEAD =
      """
      table ip kube-proxy {
        comment "rules as of kube-proxy"
        set cluster-ips { type ipv4_addr; %s }
        set nodeport-ips { type ipv4_addr; elements = { %s } }
        map firewall-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
        map no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict; }
        map no-endpoint-nodeports { type inet_proto . inet_service : verdict; }
        chain mark-for-masquerade { mark set mark or 0x4000; }
        chain masquerading {
          mark and 0x4000 == 0 return
          mark set mark xor 0x4000
          masquerade fully-random
        }
        chain firewall-check { ip daddr . meta l4proto . th dport vmap @firewall-ips; }
        chain service-endpoints-check {
          ip daddr . meta l4proto . th dport vmap @no-endpoint-services
        }
        chain nodeport-endpoints-check {
          ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports
        }
        chain cluster-ips-check {
          ip daddr @cluster-ips reject
          ip daddr %s drop
        }
      """;

  /** The base chains, just before and after the kernel's place for translation, -100 and 100. */
  private static final String TAIL =
      """
        chain services {
          ip daddr . meta l4proto . th dport vmap @service-ips
          ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
        }
        chain filter-prerouting {
          type filter hook prerouting priority -110; policy accept;
          ct state new jump firewall-check
        }
        chain filter-input {
          type filter hook input priority -110; policy accept;
          ct state new jump nodeport-endpoints-check
          ct state new jump service-endpoints-check
        }
        chain filter-forward {
          type filter hook forward priority -110; policy accept;
          ct state new jump service-endpoints-check
          ct state new jump cluster-ips-check
        }
        chain filter-output {
          type filter hook output priority -110; policy accept;
          ct state new jump service-endpoints-check
          ct state new jump firewall-check
        }
        chain filter-output-post-dnat {
          type filter hook output priority -90; policy accept;
          ct state new jump cluster-ips-check
        }
        chain nat-prerouting {
          type nat hook prerouting priority -100; policy accept;
          jump services
        }
        chain nat-output {
          type nat hook output priority -100; policy accept;
          jump services
        }
        chain nat-postrouting {
          type nat hook postrouting priority 100; policy accept;
          jump masquerading
        }
      }
      """;

  private final Services services;
  private final String podCidr;
  private final StringBuilder text = new StringBuilder();

  private NftablesRules(Services services, String podCidr) {
    this.services = services;
    this.podCidr = podCidr;
  }

  /**
   * The whole table, instead of the one that may be there.
   *
   * @param node the address that takes node ports
   * @param podCidr what comes from elsewhere to a cluster IP is masqueraded
   * @param serviceCidr where cluster IPs are
   */
  static String of(Services services, String node, String podCidr, String serviceCidr) {
    NftablesRules rules = new NftablesRules(services, podCidr);
    rules.text.append("add table ip kube-proxy\ndelete table ip kube-proxy\n");
    String addresses =
        elements(IntStream.range(0, services.count()).mapToObj(services::address).toList());
    rules.text.append(HEAD.formatted(addresses, node, serviceCidr));
    IntStream.range(0, services.count()).forEach(rules::service);
    rules.maps();
    rules.text.append(TAIL);
    return rules.text.toString();
  }

  private static String elements(List<String> all) {
    return "elements = { " + String.join(", ", all) + " }";
  }

  /** Its chains, those that are gone to before those that go there. */
  private void service(int i) {
    List<String> endpoints = services.backends(i);
    List<String> choices = new ArrayList<>();
    for (int e = 0; e < endpoints.size(); e++) {
      String name = "endpoint-" + name(i) + "__" + endpoints.get(e) + "/" + Services.TARGET_PORT;
      choices.add(e + " : goto " + name);
      text.append(
          """
            chain %s {
              ip saddr %s jump mark-for-masquerade
              meta l4proto tcp dnat to %2$s:%d
            }
          """
              .formatted(name, endpoints.get(e), Services.TARGET_PORT));
    }
    text.append(
        """
          chain service-%s {
            ip daddr %s tcp dport %d ip saddr != %s jump mark-for-masquerade
            numgen random mod %d vmap { %s }
          }
        """
            .formatted(
                name(i),
                services.address(i),
                Services.PORT,
                podCidr,
                endpoints.size(),
                String.join(", ", choices)));
    if (services.nodePort(i).isPresent()) {
      text.append(
          """
            chain external-%s {
              jump mark-for-masquerade
              goto service-%1$s
            }
          """
              .formatted(name(i)));
    }
  }

  private void maps() {
    List<String> addresses = new ArrayList<>();
    List<String> ports = new ArrayList<>();
    for (int i = 0; i < services.count(); i++) {
      String name = name(i);
      addresses.add(services.address(i) + " . tcp . " + Services.PORT + " : goto service-" + name);
      services.nodePort(i).ifPresent(p -> ports.add("tcp . " + p + " : goto external-" + name));
    }
    text.append(
        """
          map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; %s }
          map service-nodeports { type inet_proto . inet_service : verdict; %s }
        """
            .formatted(elements(addresses), elements(ports)));
  }

  private String name(int i) {
    return Services.NAMESPACE + "/" + services.name(i) + "/tcp/http";
  }
}
