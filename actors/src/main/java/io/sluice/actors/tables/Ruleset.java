// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.tables;

import io.sluice.kernel.layout.SluiceMark;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The agent's one nftables table as text. It holds what programs leave to the host stack:
 *
 * <ul>
 *   <li>Nothing enters from, or leaves to, a workload interface whose index is not in the set
 *       {@code ready}: no program guards it yet, or no more (GAP-1, POL-1). Neighbour discovery and
 *       multicast listener reports pass, as they pass the programs.
 *   <li>Nothing enters from a workload interface without the mark that each program leaves on what
 *       it lets in: whoever takes the programs away takes the workload's network with them.
 *   <li>TCP in mid-flow that programs do not know ({@code MARK_FALLTHROUGH}) passes if kernel
 *       conntrack knows it, and is dropped if not.
 *   <li>What programs mark so ({@code MARK_MASQ}: traffic from outside to a backend that is none of
 *       the cluster's) leaves with this host's address, so that answers come back here.
 * </ul>
 *
 * <p>Asking kernel conntrack makes the kernel track every packet of the namespace that passes its
 * stack. So the table asks only where somebody else has kernel conntrack at work: where it is not,
 * it knows no flow older than the dataplane, and the answer would be no in any case. A chain of
 * type nat does the same, whatever its rules say, so it is there only where a service has such a
 * backend.
 *
 * @param prefixes of the names of workload interfaces
 * @param conntrack whether kernel conntrack is at work for others
 * @param masquerade whether anything is to be masqueraded
 */
record Ruleset(List<String> prefixes, boolean conntrack, boolean masquerade) {
  static final String FAMILY = "inet";
  static final String TABLE = "sluice";
  static final String SET = "ready";

  /** The counter whose comment says which rules the table holds. */
  static final String BUILD = "build";

  static final String UNREADY_IN = "unready_in";
  static final String UNSEEN_IN = "unseen_in";
  static final String UNREADY_OUT = "unready_out";
  static final String MIDFLOW = "midflow";

  /** Counts new flows, and is there only with the chain that masquerades. */
  static final String MASQUERADED = "masqueraded";

  /** Before those of others (srcnat is 100): the first of them to say something counts. */
  private static final int MASQUERADE_PRIORITY = 90;

  private static final String MASQ = hex(SluiceMark.MARK_MASQ);

  private static final String NAME = FAMILY + " " + TABLE;
  private static final String SEEN = hex(SluiceMark.MARK_SEEN);
  private static final String FALLTHROUGH = hex(SluiceMark.MARK_FALLTHROUGH);
  private static final String ESTABLISHED = hex(SluiceMark.MARK_CT_ESTABLISHED);

  Ruleset {
    prefixes = List.copyOf(prefixes);
    for (String prefix : prefixes) {
      if (!prefix.matches("[A-Za-z0-9_.:-]{1,15}")) {
        throw new IllegalArgumentException(
            "interfacePrefix: \"" + prefix + "\" cannot begin an interface's name");
      }
    }
  }

  private static String hex(int mark) {
    return String.format("0x%08x", mark);
  }

  /** Commands that replace the table by this one, in one transaction. */
  String replace(Collection<Integer> ready) {
    return delete()
        + "table "
        + NAME
        + " {\n"
        + "  counter "
        + BUILD
        + " { comment \""
        + build()
        + "\"; }\n"
        + "  set "
        + SET
        + " { type iface_index;"
        + (ready.isEmpty() ? "" : " elements = " + elements(ready) + ";")
        + " }\n"
        + rules()
        + "}\n";
  }

  /** Commands that remove the table, if it is there. */
  static String delete() {
    return "table " + NAME + " { }\ndelete table " + NAME + "\n";
  }

  /** Commands that make the set hold exactly these, in one transaction. */
  static String setTo(Collection<Integer> ready) {
    return "flush set " + NAME + " " + SET + "\n" + (ready.isEmpty() ? "" : add(ready));
  }

  static String add(Collection<Integer> indexes) {
    return "add element " + NAME + " " + SET + " " + elements(indexes) + "\n";
  }

  static String remove(Collection<Integer> indexes) {
    return "delete element " + NAME + " " + SET + " " + elements(indexes) + "\n";
  }

  private static String elements(Collection<Integer> indexes) {
    return indexes.stream()
        .sorted()
        .map(String::valueOf)
        .collect(Collectors.joining(", ", "{ ", " }"));
  }

  /** What tells this build's rules from others. */
  String build() {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(rules().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private String rules() {
    StringBuilder text = new StringBuilder();
    counter(text, UNREADY_IN, "from a workload interface that is not ready");
    counter(text, UNSEEN_IN, "from a workload interface, past its programs");
    counter(text, UNREADY_OUT, "to a workload interface that is not ready");
    counter(text, MIDFLOW, "TCP in mid-flow that nobody knows");
    text.append("  chain from_unready {\n")
        .append("    icmpv6 type { 130-137, 143 } accept\n")
        .append("    counter name " + UNREADY_IN + " drop\n  }\n")
        .append("  chain from_unseen {\n")
        .append("    icmpv6 type { 130-137, 143 } accept\n")
        .append("    counter name " + UNSEEN_IN + " drop\n  }\n")
        .append("  chain to_unready {\n")
        .append("    icmpv6 type { 130-137, 143 } accept\n")
        .append("    counter name " + UNREADY_OUT + " drop\n  }\n")
        .append("  chain midflow {\n");
    if (conntrack) {
      text.append("    ct state established,related accept\n");
    }
    text.append("    counter name " + MIDFLOW + " drop\n  }\n");
    text.append(
        "  chain arrive {\n    type filter hook prerouting priority -310; policy accept;\n");
    for (String p : prefixes) {
      text.append("    iifname \"" + p + "*\" iif != @" + SET + " jump from_unready\n")
          .append("    iifname \"" + p + "*\" meta mark & " + SEEN + " == 0 jump from_unseen\n");
    }
    text.append("  }\n");
    text.append(
            "  chain tracked {\n    type filter hook prerouting priority -160; policy accept;\n")
        .append("    meta mark & " + FALLTHROUGH + " == " + FALLTHROUGH + " jump midflow\n  }\n");
    text.append(
        "  chain leave {\n    type filter hook postrouting priority -160; policy accept;\n");
    for (String p : prefixes) {
      text.append("    oifname \"" + p + "*\" oif != @" + SET + " jump to_unready\n");
      if (conntrack) {
        text.append("    oifname \"" + p + "*\" ct state established,related")
            .append(" meta mark set meta mark | " + ESTABLISHED + "\n");
      }
    }
    text.append("  }\n");
    if (masquerade) {
      counter(text, MASQUERADED, "flows to backends outside of the cluster");
      text.append("  chain leave_cluster {\n    type nat hook postrouting priority ")
          .append(MASQUERADE_PRIORITY)
          .append("; policy accept;\n    meta mark & " + MASQ + " == " + MASQ)
          .append(" counter name " + MASQUERADED + " masquerade fully-random\n  }\n");
    }
    return text.toString();
  }

  private static void counter(StringBuilder text, String name, String comment) {
    text.append("  counter " + name + " { comment \"" + comment + "\"; }\n");
  }
}
