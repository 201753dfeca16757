// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import io.sluice.config.cli.CommandException;
import io.sluice.lab.Addresses;
import io.sluice.lab.Lab;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** kube-proxy's rules in its iptables mode, over the kernel's routes. */
final class IptablesPeer implements Peer {
  /** What distributions have by default goes first. */
  private static final List<String> VARIANTS = List.of("nft", "legacy");

  private final Site site;
  private String variant;

  /**
   * @param variant nft or legacy: which of the kernel's two tables of rules; null: what works
   */
  IptablesPeer(Site site, String variant) {
    this.site = site;
    this.variant = variant;
    site.routeByKernel();
  }

  @Override
  public String name() {
    return "iptables";
  }

  @Override
  public Site site() {
    return site;
  }

  /** Which variant is measured; null before {@link #apply}. */
  String variant() {
    return variant;
  }

  @Override
  public void apply(Services services) throws Unavailable {
    String refused = "";
    for (String each : variant == null ? VARIANTS : List.of(variant)) {
      Lab.Output output = restore(each, services);
      if (output.code() == 0) {
        variant = each;
        return;
      }
      refused += "iptables-" + each + ": " + output.text().lines().findFirst().orElse("?") + "; ";
    }
    throw new Unavailable(refused);
  }

  private Lab.Output restore(String each, Services services) {
    try {
      Path file = Files.createTempFile("sluice-bench-", ".rules");
      try {
        Files.writeString(file, IptablesRules.of(services, Addresses.POD_POOL4));
        String command = "iptables-" + each + "-restore";
        return site.lab().run("node1", "sh", "-c", command + " <" + file);
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new CommandException("no place for rules: " + e.getMessage());
    }
  }
}
