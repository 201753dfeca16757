// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import io.sluice.kernel.testing.TestNetns;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** A host's network as other programs see it: what uninstalling must give back. */
final class HostPicture {
  private HostPicture() {}

  /** By what was looked at. */
  static Map<String, String> take(TestNetns node, Path bpffs) {
    Map<String, String> picture = new LinkedHashMap<>();
    for (String command :
        new String[] {
          "ip -d link",
          "ip addr",
          "ip -4 route show table all",
          "ip -6 route show table all",
          "ip -4 rule",
          "ip -6 rule",
          "ip -4 neigh show nud permanent",
          "ip -6 neigh show nud permanent",
          "ip -4 neigh show proxy",
          "ip -6 neigh show proxy",
          "nft list ruleset",
          "tc qdisc",
          "tc filter show ingress",
          "bpftool net",
        }) {
      picture.put(command, node.sh(command));
    }
    // What the kernel itself changes all the time is left out; some settings cannot be read.
    picture.put(
        "settings",
        node.sh(
            "find /proc/sys/net -type f ! -name nf_conntrack_count ! -name stable_secret"
                + " -exec grep -H '' {} + 2>/dev/null | sort || true"));
    picture.put("bpffs", TestNetns.exec("find", bpffs.toString()));
    return picture;
  }
}
