// SPDX-License-Identifier: Apache-2.0
package io.sluice.multinode.harness;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Counts what the lab's router forwards, by rules of nftables, until it is closed. */
public final class PacketCount implements AutoCloseable {
  private static final AtomicInteger TABLES = new AtomicInteger();
  private static final Pattern COUNTER =
      Pattern.compile("counter (\\S+) \\{\\s+packets (\\d+) bytes");

  private final Cluster cluster;
  private final String table;

  private PacketCount(Cluster cluster, String table) {
    this.cluster = cluster;
    this.table = table;
  }

  /**
   * Counts from now on.
   *
   * @param rules what matches, by the name under which it is counted
   */
  public static PacketCount of(Cluster cluster, Map<String, String> rules) {
    String table = "inet count_" + TABLES.incrementAndGet();
    StringBuilder text = new StringBuilder("table " + table + " {\n");
    rules.keySet().forEach(name -> text.append("counter ").append(name).append(" { }\n"));
    text.append("chain seen { type filter hook forward priority -10;\n");
    rules.forEach(
        (name, rule) -> text.append(rule).append(" counter name \"").append(name).append("\"\n"));
    cluster.run("router", "nft", text + "}\n}");
    return new PacketCount(cluster, table);
  }

  /** Counts what each node sends from an address, such as a service's, to another. */
  public static PacketCount byNode(Cluster cluster, String from, String to) {
    String family = from.contains(":") ? "ip6" : "ip";
    Map<String, String> rules = new TreeMap<>();
    for (Node node : cluster.nodes()) {
      rules.put(
          node.name(),
          String.format(
              "iifname \"%s\" %s saddr %s %s daddr %s", node.name(), family, from, family, to));
    }
    return of(cluster, rules);
  }

  /** Packets so far, by name; those that are 0 are not in it. */
  public Map<String, Long> seen() {
    Map<String, Long> counts = new TreeMap<>();
    Matcher matcher = COUNTER.matcher(cluster.run("router", "nft", "list table " + table));
    while (matcher.find()) {
      if (!matcher.group(2).equals("0")) {
        counts.put(matcher.group(1), Long.parseLong(matcher.group(2)));
      }
    }
    return counts;
  }

  @Override
  public void close() {
    cluster.run("router", "nft", "delete table " + table);
  }
}
