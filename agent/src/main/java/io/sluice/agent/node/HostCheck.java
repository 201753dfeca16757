// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import io.sluice.actors.host.HostNet;
import io.sluice.actors.host.NetlinkHostNet;
import io.sluice.actors.tables.LibNftables;
import io.sluice.config.settings.FelixSettings;
import io.sluice.kernel.dataplane.Preflight;
import io.sluice.kernel.dataplane.Preflight.Finding;
import io.sluice.kernel.sys.Mounts;
import io.sluice.kernel.sys.Privileges;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What this kernel and host have of what an agent needs. Changes nothing. */
public final class HostCheck {
  private static final Path BPFFS = Path.of("/sys/fs/bpf");

  private HostCheck() {}

  /** Looks at all of it; without privilege, at that alone. */
  public static List<Finding> run() {
    List<Finding> findings = new ArrayList<>(Preflight.run());
    if (Privileges.complaint().isEmpty()) {
      findings.add(nftables());
      findings.add(bpffs());
      findings.add(hostEndpoints());
    }
    return findings;
  }

  private static Finding nftables() {
    try {
      boolean there = LibNftables.here().find().isPresent();
      return new Finding("nftables", true, true, there ? "present, with our table" : "present", "");
    } catch (RuntimeException | LinkageError e) {
      return new Finding(
          "nftables",
          false,
          true,
          String.valueOf(e.getMessage()),
          "install libnftables1, and a kernel with CONFIG_NF_TABLES");
    }
  }

  /** By the pattern that holds where nobody sets another. */
  private static Finding hostEndpoints() {
    Pattern pattern = FelixSettings.DATA_IFACE_PATTERN.defaultValue();
    try (NetlinkHostNet net = NetlinkHostNet.open()) {
      String names =
          net.nics().stream()
              .map(HostNet.Nic::name)
              .filter(name -> pattern.matcher(name).find())
              .sorted()
              .collect(Collectors.joining(", "));
      return new Finding(
          "host endpoints",
          !names.isEmpty(),
          false,
          names.isEmpty() ? "no interface that bpfDataIfacePattern names by default" : names,
          names.isEmpty() ? "set bpfDataIfacePattern, or nothing from outside is served" : "");
    }
  }

  private static Finding bpffs() {
    boolean there = Mounts.isBpffs(BPFFS);
    return new Finding(
        "BPF file system",
        there,
        false,
        there ? BPFFS.toString() : "none at " + BPFFS + ": the agent mounts one where it is told",
        there ? "" : "mount -t bpf bpf " + BPFFS);
  }
}
