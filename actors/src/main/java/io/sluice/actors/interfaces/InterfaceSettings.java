// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.interfaces;

import io.sluice.actors.host.TunnelDevice;
import io.sluice.config.settings.Choices;
import io.sluice.config.settings.FelixSettings;
import io.sluice.config.settings.Settings;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The settings that concern interfaces. A change of the prefixes needs a restart.
 *
 * @param prefixes of workload interfaces' names (interfacePrefix); names by convention begin with
 *     the first
 * @param anySource whether workloads may ask to send from any address (workloadSourceSpoofing: Any)
 * @param hosts the pattern of host endpoints' names (bpfDataIfacePattern)
 * @param rpf how sources of what comes in by them are checked (bpfEnforceRPF)
 * @param forceTrack names, or beginnings of names with a {@code +}, of those among them whose
 *     packets are left to the kernel's conntrack (bpfForceTrackPacketsFromIfaces)
 */
public record InterfaceSettings(
    List<String> prefixes,
    boolean anySource,
    String hosts,
    Choices.Rpf rpf,
    List<String> forceTrack) {
  private static final String LOOPBACK = "lo";

  public InterfaceSettings {
    prefixes = List.copyOf(prefixes);
    forceTrack = List.copyOf(forceTrack);
    if (prefixes.isEmpty()) {
      throw new IllegalArgumentException("interfacePrefix: at least one prefix is needed");
    }
  }

  /** None is forced. */
  public InterfaceSettings(
      List<String> prefixes, boolean anySource, String hosts, Choices.Rpf rpf) {
    this(prefixes, anySource, hosts, rpf, List.of());
  }

  public static InterfaceSettings of(Settings settings) {
    return new InterfaceSettings(
        settings.get(FelixSettings.INTERFACE_PREFIX),
        settings.get(FelixSettings.SOURCE_SPOOFING) == Choices.Spoofing.ANY,
        settings.get(FelixSettings.DATA_IFACE_PATTERN).pattern(),
        settings.get(FelixSettings.ENFORCE_RPF),
        settings.get(FelixSettings.FORCE_TRACK_IFACES));
  }

  /** The same with other prefixes. */
  InterfaceSettings withPrefixes(List<String> others) {
    return new InterfaceSettings(others, anySource, hosts, rpf, forceTrack);
  }

  /** Whether an interface of this name is a workload's. */
  public boolean isWorkload(String nic) {
    return prefixes.stream().anyMatch(nic::startsWith);
  }

  /** Whether an interface of this name leads to the world; workloads and the tunnel win. */
  public boolean isHost(String nic) {
    return !isWorkload(nic)
        && !isLoopback(nic)
        && !nic.equals(TunnelDevice.NAME)
        && Pattern.compile(hosts).matcher(nic).find();
  }

  /** Whether the packets of an interface are the kernel's conntrack's. */
  boolean isForced(String nic) {
    return forceTrack.stream()
        .anyMatch(
            name ->
                name.endsWith("+")
                    ? nic.startsWith(name.substring(0, name.length() - 1))
                    : nic.equals(name));
  }

  static boolean isLoopback(String nic) {
    return nic.equals(LOOPBACK);
  }

  /** Whether programs belong on an interface of this name. */
  boolean isOurs(String nic) {
    return isWorkload(nic) || isHost(nic) || isLoopback(nic) || nic.equals(TunnelDevice.NAME);
  }
}
