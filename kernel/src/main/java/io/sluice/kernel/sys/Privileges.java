// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.sys;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Which of the capabilities that the agent needs its process has. */
public final class Privileges {
  private static final Path STATUS = Path.of("/proc/self/status");

  private Privileges() {}

  /** What the agent cannot do without, and what for. */
  public enum Capability {
    /** Interfaces, routes, TC programs, nftables, sysctls below net. */
    CAP_NET_ADMIN(12),
    /** Entering namespaces, mounting a bpffs, cgroup programs, IDs of foreign programs. */
    CAP_SYS_ADMIN(21),
    /** Programs that use pointers freely, as ours do. */
    CAP_PERFMON(38),
    /** Maps and programs. */
    CAP_BPF(39);

    private final int number;

    Capability(int number) {
      this.number = number;
    }
  }

  /** The needed capabilities that are not in the process's effective set. */
  public static Set<Capability> missing() {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith("CapEff:")) {
          return missing(Long.parseUnsignedLong(line.substring("CapEff:".length()).trim(), 16));
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException("cannot read " + STATUS + ": is /proc mounted?", e);
    }
    return EnumSet.allOf(Capability.class);
  }

  static Set<Capability> missing(long effective) {
    EnumSet<Capability> missing = EnumSet.allOf(Capability.class);
    missing.removeIf(capability -> (effective >>> capability.number & 1) != 0);
    return missing;
  }

  /** One line that says what is missing and what to do about it; empty if nothing is. */
  public static Optional<String> complaint() {
    return complaint(missing());
  }

  static Optional<String> complaint(Set<Capability> missing) {
    if (missing.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        "no privilege: "
            + missing.stream().map(Enum::name).collect(Collectors.joining(", "))
            + " missing; run as root (sudo), or grant these capabilities");
  }
}
