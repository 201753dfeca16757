// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import io.sluice.kernel.bpf.HookQuery;
import io.sluice.kernel.bpf.TcxLink;
import io.sluice.lab.Lab;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Everything about a node that an agent may change: links, addresses, programs, routes, rules,
 * neighbours, tables, settings, files of bpffs, cgroups. What lives by itself, such as counters and
 * learnt neighbours, is left out.
 *
 * @param parts text by what it is
 */
public record HostSnapshot(Map<String, String> parts) {
  private static final Map<String, String> COMMANDS =
      Map.of(
          "links", "ip -d link | sed -E 's/ (qlen|age|promiscuity) [0-9.]+//g'",
          "addresses", "ip addr | sed -E 's/(valid|preferred)_lft [^ ]+//g'",
          "routes", "ip route show table all",
          "routes of IPv6", "ip -6 route show table all | sed -E 's/ expires [^ ]+//'",
          "rules", "ip rule; ip -6 rule",
          "neighbours", "ip neigh show nud permanent; ip neigh show proxy; ip -6 neigh show proxy",
          "tables", "nft list ruleset | sed -E 's/packets [0-9]+ bytes [0-9]+//'",
          "filters",
              "for d in /sys/class/net/*; do d=${d##*/}; tc qdisc show dev $d;"
                  + " tc filter show dev $d ingress; tc filter show dev $d egress; done",
          "settings",
              "find /proc/sys/net/ipv4 /proc/sys/net/ipv6 /proc/sys/net/core -type f -perm -200"
                  + " ! -name stable_secret ! -name flush ! -name '*random*'"
                  + " -exec grep -H '' {} + 2>/dev/null | sort");

  /** Takes it now. */
  public static HostSnapshot of(Cluster cluster, String node) {
    Map<String, String> parts = new TreeMap<>();
    COMMANDS.forEach((what, command) -> parts.put(what, shell(cluster, node, command)));
    var where = cluster.topology().node(node);
    var names = cluster.lab().names();
    parts.put("bpffs", shell(cluster, node, "find " + names.bpffs(where) + " -mindepth 1 | sort"));
    // The agent's own process is gone by then; groups that it made are not.
    parts.put(
        "cgroups",
        shell(
            cluster,
            node,
            "root=$(awk '$3 == \"cgroup2\" { print $2; exit }' /proc/mounts);"
                + " find \"$root\" -type d -path '*"
                + names.host(where)
                + "*' | sort"));
    parts.put("programs", programs(cluster, node));
    return new HostSnapshot(parts);
  }

  private static String shell(Cluster cluster, String node, String command) {
    Lab.Output output = cluster.lab().run(node, "sh", "-c", command);
    return output.text();
  }

  private static String programs(Cluster cluster, String node) {
    List<Integer> indexes =
        shell(cluster, node, "cat /sys/class/net/*/ifindex")
            .lines()
            .map(Integer::parseInt)
            .toList();
    return cluster.on(
        node,
        () -> {
          List<String> lines = new ArrayList<>();
          for (int index : indexes) {
            for (TcxLink.Hook hook : TcxLink.Hook.values()) {
              lines.add(index + " " + hook + " " + HookQuery.of(index, hook).attached());
            }
          }
          return String.join("\n", lines);
        });
  }

  /** Lines that were added (+) and that are gone (-), each with what it is. */
  public List<String> differenceFrom(HostSnapshot before) {
    List<String> lines = new ArrayList<>();
    for (String what : parts.keySet()) {
      var now = parts.get(what).lines().collect(Collectors.toList());
      var then = before.parts.get(what).lines().collect(Collectors.toList());
      now.stream().filter(l -> !then.contains(l)).forEach(l -> lines.add(what + ": + " + l));
      then.stream().filter(l -> !now.contains(l)).forEach(l -> lines.add(what + ": - " + l));
    }
    return lines;
  }
}
